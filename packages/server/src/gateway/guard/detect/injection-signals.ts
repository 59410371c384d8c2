/** One sign of a text that gives orders to a model. */
export interface Signal {
  readonly name: string;
  /** 3 is enough by itself. */
  readonly weight: 1 | 2 | 3;
  /** Of folded text (lower case, single spaces); every repetition is bounded. */
  readonly pattern: RegExp;
}

const ORDERS =
  '(?:instructions?|prompts?|rules?|guidelines?|directives?|directions?|commands?|constraints?|policies|policy|tasks?|context|training|programming|safeguards?|restrictions?|guardrails?|messages?)';
const UNDO =
  '(?:ignore|disregard|forget|override|overrule|bypass|neglect|skip|discard|drop|cancel|set aside|pay no attention to|do not (?:follow|obey|listen to)|stop (?:following|obeying)|no longer (?:follow|obey))';
const EARLIER =
  '(?:previous|prior|above|earlier|preceding|foregoing|initial|original|existing|former|current|system|developer|safety|built-in)';
const READER =
  '(?:ai|a\\.i\\.|llm|assistant|agent|chatbot|bot|language model|model|chatgpt|gpt(?:-[0-9o.]+)?|claude|gemini|copilot|llama)';
const HIDE = '(?:tell|inform|mention|notify|alert|reveal|disclos|report|show|say|warn|ask)(?:e|ing)?(?: to)?';

export const SIGNALS: readonly Signal[] = [
  {
    name: 'override',
    weight: 3,
    pattern: new RegExp(
      `\\b${UNDO} (?:[\\w'’]+ ){0,4}?(?:${EARLIER} )(?:[\\w'’]+ ){0,3}?${ORDERS}\\b|\\b${UNDO} (?:all|any|every|everything|your|these|those|the) (?:of )?(?:your |the |my |other )?(?:${EARLIER} )?(?:${ORDERS})\\b|\\b${UNDO} (?:all|everything|anything|what) (?:of )?(?:that |which |you (?:were|have been) |i |was |is |came |the )?(?:\\w+ )?(?:above|before|previously|prior)\\b`,
      'g',
    ),
  },
  {
    name: 'override',
    weight: 3,
    pattern:
      /ignor(?:iere|ieren sie)(?: \p{L}+){0,3} (?:anweisungen|instruktionen|vorgaben|regeln)|vergiss (?:alle|die|deine)(?: \p{L}+){0,3} (?:anweisungen|instruktionen|regeln)|ignor(?:a|e|ad|en)(?: \p{L}+){0,3} (?:instrucciones|órdenes|reglas|instruções|regras|istruzioni|regole)|(?:olvida|esquece|dimentica)(?: \p{L}+){0,3} (?:instrucciones|instruções|istruzioni)|(?:ignore[rz]?|oublie[rz]?)(?: \p{L}+){0,3} (?:instructions|consignes|règles|directives)|negeer(?: \p{L}+){0,3} (?:instructies|opdrachten)|(?:игнорируй|игнорируйте|забудь|забудьте)(?: \p{L}+){0,3} (?:инструкции|указания|правила)|忽略.{0,12}(?:指令|指示|说明|提示|規則|规则)|無視.{0,6}(?:指令|指示)|(?:指示|命令|指令).{0,8}(?:無視|忽略)|이전.{0,10}(?:지시|명령).{0,6}무시|تجاهل.{0,20}(?:التعليمات|الأوامر)|(?:पिछले|पूर्व).{0,20}(?:निर्देश|आदेश).{0,20}(?:अनदेखा|नज़रअंदाज़)/gu,
  },
  {
    name: 'turn',
    weight: 3,
    pattern:
      /<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)\|?>|\[\/?inst\]|<<\/?sys>>|<\/?(?:system|developer|assistant)(?:[-_ ]?(?:prompt|message|instructions?|override|note|update|reminder))?>|(?:^| )#{2,6} ?(?:system|developer|new) ?(?:prompt|message|instructions?|note)?:|\[(?:system|developer|admin)(?:[-_ ](?:prompt|message|instructions?|override|note|update|notice))?\]|(?:begin|end) (?:of )?system (?:prompt|message)/g,
  },
  {
    name: 'address',
    weight: 2,
    pattern: new RegExp(
      `\\b(?:important|urgent|critical|attention|note|notice|message|instructions?|directive|memo|hey|hello|hi|dear|to|for)[!:,. ]{1,3}(?:(?:message|instructions?|note|notice|update|to|for|from|the|all|any|every|our|your|you,?|my|other|whichever|reading) ?){0,5}(?:\\w+ ){0,2}?${READER}(?:s|es)?\\b|\\b(?:if|since|as|when) you(?:'re| are) (?:an? |the )?(?:\\w+ ){0,2}?${READER}\\b|\\byou(?:'re| are) (?:now )?(?:an? |the )(?:\\w+ ){0,2}?${READER}\\b`,
      'g',
    ),
  },
  {
    name: 'order',
    weight: 2,
    pattern:
      /\b(?:new|updated|revised|real|actual|additional|special|secret|hidden|mandatory|following|overriding) (?:\w+ )?(?:system )?(?:instructions?|directives?|orders?|prompt|objective|mission)\b(?: ?[:.\-–]| (?:is|are|from|for|follow))|\b(?:strictly )?(?:adhere to|follow|obey|execute|carry out|comply with) (?:only )?(?:the|these|this|my) (?:following |new |next |below )?(?:instructions?|orders?|commands?|directives?|steps)\b|\b(?:before|prior to|instead of|in order to) (?:you )?(?:can )?(?:answer|respond|reply|continu|proceed|complet|solv|do|help|finish|summari[sz])(?:\w{0,4})?(?: \w+){0,6}?,? (?:you )?(?:must|need to|have to|should|please)(?: first)?\b|\b(?:from now on|henceforth|starting now|effective immediately),? (?:you|always|respond|ignore|act|treat)\b|\byour (?:new |only |real |true )(?:task|goal|job|objective|role|purpose|mission|instructions?)\b/g,
  },
  {
    name: 'secrecy',
    weight: 2,
    pattern: new RegExp(
      `\\b(?:do not|don't|never|must not|without|avoid|refrain from) (?:ever )?(?:${HIDE}) (?:\\w+ ){0,4}?(?:user|human|person|owner|anyone|anybody|them|about (?:this|these))\\b|\\b(?:keep|keeping) (?:this|it|that|these) (?:\\w+ ){0,2}?(?:secret|hidden|from the user|between us)\\b`,
      'g',
    ),
  },
  {
    name: 'leak',
    weight: 2,
    pattern:
      /\b(?:reveal|print|repeat|output|show|display|share|send|leak|disclose|dump|write out|tell me|give me|return|include|append|forward|exfiltrate|post|upload) (?:\w+ ){0,4}?(?:your |the )?(?:system prompt|initial prompt|hidden prompt|(?:system|original|initial|secret) instructions|conversation (?:history|so far)|chat (?:history|log)|api[_ -]?keys?|access tokens?|credentials|passwords?|environment variables|\.env\b|ssh keys?|private keys?|session cookies?)\b/g,
  },
  {
    name: 'picture',
    weight: 3,
    // A picture whose address carries something out as soon as it is shown.
    pattern:
      /!\[[^\]]{0,128}\]\(\s{0,2}https?:\/\/[^\s)]{1,512}[?&/](?:[a-z_]{1,24}=)?(?:\{[^)]{0,128}\}|\$\{[^)]{0,128}|%7b|\[[^\]]{0,128}\]|<[^>]{0,128}>|[a-z_]{0,24}=(?:secret|data|history|chat|conversation|summary|prompt|token|key|password))/g,
  },
  {
    name: 'comment',
    weight: 3,
    pattern: new RegExp(
      `<!--[^>]{0,400}\\b(?:${READER}|ignore|instructions?|system prompt)\\b[^>]{0,200}\\b(?:must|should|send|ignore|forward|reveal|do not|please|execute|call|include|always)\\b|(?:display ?: ?none|visibility ?: ?hidden|font-size ?: ?0|color ?: ?(?:white|#fff(?:fff)?)|opacity ?: ?0)[^>]{0,200}>[^<]{0,400}\\b(?:${READER}|ignore|instructions?)\\b`,
      'g',
    ),
  },
  {
    name: 'role',
    weight: 2,
    pattern:
      /\b(?:you are now|act as|pretend to be|pretend you are|roleplay as|simulate|enter|enable|switch to|activate) (?:in |an? |the )?(?:\w+ ){0,3}?(?:dan|jailbreak|jailbroken|developer mode|debug mode|god mode|admin(?:istrator)? mode|unrestricted|unfiltered|uncensored|root access|maintenance mode)\b|\bdo anything now\b/g,
  },
  {
    name: 'tool',
    weight: 1,
    pattern:
      /\b(?:call|use|invoke|run|execute|trigger) (?:the )?(?:\w+ ){0,2}?(?:tool|function|command|api)\b|\b(?:transfer|wire|send|pay|forward|delete|share|invite|post|e-?mail) (?:\S+ ){0,8}?(?:to|with|at) (?:the )?(?:\S+@\S+|https?:\/\/\S+|account|iban|\w+ \S+@)/g,
  },
];
