/** One sign of a text that gives orders to a model. */
export interface Signal {
  readonly name: string;
  /** 3 is enough by itself. */
  readonly weight: 1 | 2 | 3;
  /** Of folded text (lower case, single spaces); every repetition is bounded. */
  readonly pattern: RegExp;
  /** What must be in what was found: looked for apart, so that two repetitions do not multiply. */
  readonly within?: RegExp;
}

/** One expression of several, all of folded text. */
const anyOf = (...patterns: readonly string[]): RegExp => new RegExp(patterns.join('|'), 'gu');

const ORDERS =
  '(?:instructions?|prompts?|rules?|guidelines?|directives?|directions?|commands?|constraints?|policies|policy|training|programming|safeguards?|restrictions?|guardrails?|safety (?:checks?|protocols?|measures?)|filters?)';
const UNDO =
  '(?:ignore|disregard|forget|override|overrule|bypass|neglect|skip|discard|cancel|set aside|pay no attention to|do not (?:follow|obey|listen to)|stop (?:following|obeying)|no longer (?:follow|obey))';
const EARLIER =
  '(?:previous|prior|above|earlier|preceding|foregoing|initial|original|existing|former|current|system|developer|safety|built-in|manual)';
const READER =
  '(?:a\\.?i\\.?|llm|assistant|(?:coding |ai )?agent|chatbot|bot|(?:large )?language model|model|chatgpt|gpt(?:-[0-9o.]{1,4})?|claude|gemini|copilot|llama|summari[sz]er|automated (?:readers?|screening systems?|analysis software|systems?))';
const READERS = `(?:${READER}s?)`;
const HIDE = '(?:tell|inform|mention|notify|alert|reveal|disclos|report|show|say|warn|ask)(?:e|ing)?(?: to)?';
const DO =
  '(?:send|forward|call|use|run|execute|invoke|add|append|include|write|copy|post|transfer|wire|delete|remove|approve|merge|reply|respond|answer|say|state|output|print|reveal|show|tell|open|turn|save|visit|fetch|read|quote|offer|replace|put|recommend|rank|classify|make|create|change|invite|email|ignore|disregard|attach|grant|order|push|set)';
const OWN = '(?:your|the|its|all|any|initial|hidden|full|entire|complete|original|secret|internal)';

export const SIGNALS: readonly Signal[] = [
  {
    name: 'override',
    weight: 3,
    pattern: anyOf(
      `\\b${UNDO} (?:[\\w'’]{1,24} ){0,4}?${EARLIER} (?:[\\w'’]{1,24} ){0,3}?(?:${ORDERS}|context|tasks?|messages?|text|scoring)\\b`,
      `\\b${UNDO} (?:all|any|every|everything|your|these|those|the) (?:of )?(?:your |the |my |other )?(?:${EARLIER} )?${ORDERS}\\b(?! of this)`,
      `\\b${UNDO} (?:all|everything|anything|what) (?:of )?(?:that |which |you (?:were|have been) |i |was |is |came |the )?(?:\\w{1,24} )?(?:above|before|previously|prior|given earlier)\\b`,
      `\\b${UNDO} the (?:above|user(?:'s|’s)?(?: request| question| task| instructions?)?|question) and\\b`,
      `\\b(?:earlier|previous|prior) (?:directions?|instructions?|tasks?|rules) (?:no longer|do not|don't) (?:apply|count|hold)\\b`,
      `\\b(?:prior|previous|earlier|original) task is (?:cancelled|canceled|over|void)\\b`,
      `\\bsupersedes? (?:all|any|every) (?:prior|previous|earlier|other)\\b`,
      `\\bsafety (?:protocols?|checks?|filters?) (?:are |is )?(?:disabled|off|suspended)\\b`,
    ),
  },
  {
    name: 'override',
    weight: 3,
    pattern:
      /ignor(?:iere|ieren sie)(?: \p{L}{1,24}){0,3} (?:anweisungen|instruktionen|vorgaben|regeln)|vergiss (?:alle|die|deine)(?: \p{L}{1,24}){0,3} (?:anweisungen|instruktionen|regeln)|neue anweisungen ?:|(?:ignor(?:a|e|ad|en)|olvida|esquece|dimentica|desconsidere|descarta|desobedece)(?: \p{L}{1,24}){0,3} (?:instrucciones|órdenes|reglas|instruções|orientações|ordens|regras|istruzioni|regole)|haz caso omiso|(?:ignore[rz]?|oublie[rz]?)(?: \p{L}{1,24}){0,3} (?:instructions|consignes|règles|directives)|ne (?:tiens|tenez) (?:plus|pas) compte des? (?:\p{L}{1,24} ){0,2}(?:consignes|instructions|règles)|negeer(?: \p{L}{1,24}){0,3} (?:instructies|opdrachten)|zignoruj(?: \p{L}{1,24}){0,3} (?:polecenia|instrukcje|zasady)|(?:önceki|tüm)(?: \p{L}{1,24}){0,3} (?:talimatları|komutları) (?:yok say|unut|görmezden)|abaikan(?: \p{L}{1,24}){0,3} (?:perintah|instruksi|aturan)|(?:игнорируй|игнорируйте|забудь|забудьте|ігноруй|відкинь)(?: \p{L}{1,24}){0,3} (?:инструкции|указания|правила|вказівки|інструкції)|忽略.{0,12}(?:指令|指示|说明|提示|規則|规则)|無視.{0,6}(?:指令|指示)|(?:指示|命令|指令).{0,8}(?:無視|忽略)|이전.{0,10}(?:지시|명령).{0,6}무시|تجاهل.{0,20}(?:التعليمات|الأوامر)|(?:पिछले|पूर्व).{0,20}(?:निर्देश|आदेश).{0,20}(?:अनदेखा|नज़रअंदाज़)|(?:revela|muestra|révèle(?:-moi)?|montre|zeige?|gib|mostra)(?: \p{L}{1,24}){0,2} (?:instrucciones|instructions|istruzioni|instruções|anweisungen|prompt)(?: del| de| système| system)?/gu,
  },
  {
    name: 'turn',
    weight: 3,
    pattern: anyOf(
      '<\\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)\\|?>|\\[/?inst\\]|<</?sys>>',
      '</?(?:system|developer|assistant|tool_result|untrusted|information|important)(?:[-_ ]?(?:prompt|message|instructions?|override|note|update|reminder))?>',
      '(?:^| )#{2,6} ?\\(?(?:system|developer)[-_ ]?(?:prompt|message|instructions?|note)?\\)?(?=[: ]|$)|(?:^| )#{2,6} ?new (?:system )?(?:prompt|instructions?)',
      '\\[(?:system|developer|admin)(?:[-_ ](?:prompt|message|instructions?|override|note|update|notice))?\\]|\\b(?:begin|end) (?:of )?system (?:prompt|message)',
      '\\b(?:system (?:note|notice|override|message)|nota del sistema|note système|systemhinweis) ?:',
      '(?:^|[.!?>] |\\.\\.\\. )(?:system|developer) ?: (?:\\w)',
      '\\bhuman ?: .{1,300} assistant ?: ',
    ),
  },
  {
    name: 'address',
    weight: 2,
    pattern: anyOf(
      `\\b(?:important|urgent|critical|attention|note|notice|message|instructions?|directive|memo|hey|hello|hi|dear|to|for)[!:,. ]{1,3}(?:(?:message|instructions?|note|notice|update|to|for|from|the|all|any|every|our|your|you,?|my|other|whichever|reading) ?){0,5}(?:[\\w-]{1,24} ){0,2}?${READERS}\\b(?! (?:desk|team|manager|professor))`,
      `\\b(?:message|note) from (?:me|us)\\b.{0,60}\\bto you\\b`,
      `\\b(?:if|since|as|when) you(?:'re| are) (?:an? |the )?(?:[\\w-]{1,24} ){0,2}?${READER}\\b|\\byou(?:'re| are) (?:now )?(?:an? |the )(?:[\\w-]{1,24} ){0,2}?${READER}\\b|\\bpretend you(?:'re| are) an? ${READER}\\b`,
      `(?:^|[.!?:;(>"*\\]#=] ?)(?:the )?${READERS} (?:should|must|needs? to|has to|may)(?: now| also| always)? ${DO}\\b`,
      `\\b(?:whoever|whatever) (?:processes|reads|summari[sz]es) this automatically\\b`,
      `\\b(?:asistentes?,|assistente ?:|для асистента|асистенте|para el asistente|à l'attention de l'assistant|do asystenta ?:|untuk asisten ?:|yapay zekâ)`,
    ),
  },
  {
    name: 'command',
    weight: 3,
    // Called by its name, and told to do something.
    pattern: anyOf(
      `(?:^|[.!?:;(>"'*\\]#=] ?)(?:the )?${READERS}(?:[-_ ](?:directive|analyst|readers?))?[,:] (?:please )?${DO}\\b`,
      `\\b(?:to|for) the ${READER} ?: (?:please )?${DO}\\b`,
    ),
  },
  {
    name: 'order',
    weight: 2,
    pattern: anyOf(
      '\\b(?:new|updated|revised|real|actual|additional|special|secret|hidden|mandatory|overriding) (?:\\w{1,24} )?(?:system )?(?:instructions?|directives?|orders?|prompt|objective|mission|task)\\b(?: ?[:.\\-–]| (?:is|are|from|for|follow))',
      '\\b(?:strictly )?(?:adhere to|follow|obey|execute|carry out|comply with) (?:only )?(?:the|these|this|my|every) (?:following |new |next |below )?(?:instructions?|orders?|commands?|directives?|requests?)\\b',
      "\\b(?:before|prior to) (?:you )?(?:can )?(?:answer|respond|reply|continu|proceed|complet|solv|do|finish|summari[sz]|using)(?:\\w{0,4})?(?: [\\w'’]{1,24}){0,12}?,? (?:you )?(?:must|need to|have to|please|append|read|call|send)\\b",
      '\\b(?:from now on|henceforth|starting now|effective immediately|from this point forward),? (?:you|always|respond|ignore|act|treat|answers?)\\b|\\bcomply with every request\\b',
      '\\byour (?:new |only |real |true )(?:task|goal|job|objective|role|purpose|mission|instructions?|directive)\\b|\\bthat configuration has expired\\b',
      `\\bwhen(?:ever)? (?:you )?(?:are )?(?:summari[sz]|process|complet|answer|display|translat|review)(?:e|es|ing|s)?\\b[^.!?]{0,60}?,? (?:also |always |you must |must )?${DO}\\b`,
      `\\bif (?:the )?(?:user )?(?:is )?ask(?:s|ed)?\\b[^.!?]{0,80}?,? (?:simply |just |only )?(?:reply|respond|answer|say|report|output) (?:with |that )?`,
      `\\b(?:reply|respond) with only\\b|\\bin every (?:future )?(?:reply|answer|response|summary)\\b|\\b(?:to|at) the end of (?:your|the|any|every) (?:reply|answer|response|summary)\\b|\\bto every (?:future )?(?:summary|reply|answer)\\b`,
      '\\b(?:long-term )?memory (?:so (?:that )?it persists|and repeat)\\b|\\bdecode (?:it|this|and|the)\\b.{0,40}\\b(?:do|follow|obey|comply)\\b|\\b(?:follow|obey|do) (?:exactly )?(?:the instruction|what (?:it|is) )',
      '\\bno (?:restrictions?|filters?|limits?|content policy)\\b|\\bwithout (?:limits|restrictions|filters)\\b',
    ),
  },
  {
    name: 'secrecy',
    weight: 2,
    pattern: anyOf(
      `\\b(?:do not|don't|never|must not|without|avoid|refrain from) (?:ever )?(?:${HIDE}) (?:\\w{1,24} ){0,4}?(?:user|human|person|owner|anyone|anybody|them|me|again|this sentence|about (?:this|these))\\b`,
      '\\b(?:keep|keeping) (?:this|it|that|these) (?:\\w{1,24} ){0,2}?(?:secret|hidden|from the user|between us)\\b|\\b(?:regardless of|whatever) (?:what )?the user (?:asked|asks|says|wants)\\b|\\bno need to ask\\b|\\bthe user has (?:already )?(?:approved|granted|confirmed)\\b',
    ),
  },
  {
    name: 'leak',
    weight: 3,
    pattern: anyOf(
      `\\b(?:reveal|print|repeat|output|show|display|leak|dump|write out|expose|recite) (?:me )?(?:${OWN} ){0,3}(?:system (?:prompt|message)|context window|text you were given)\\b|\\b(?:reveal|print|repeat|output|show|leak|dump|expose|recite) (?:me )?(?:your|its) (?:${OWN} ){0,2}(?:prompt|instructions|configuration)\\b`,
      `\\b(?:everything|all) in your context window\\b|\\b(?:hidden text|instructions|operating instructions) you were given\\b|\\bprevious (?:three |two )?messages\\b.{0,40}\\b(?:base64|hex)|\\bencode the messages\\b`,
      `\\b(?:send|forward|post|append|exfiltrate|upload|copy|read|write|collect|include|put|attach|prepend)\\b[^.!?]{0,80}\\b(?:api[_ -]?keys?|access tokens?|credentials|passwords?|environment variables|\\.env\\b|ssh keys?|private keys?|session cookies?|conversation (?:history|so far)|everything the user)\\b[^.!?]{0,80}(?:\\bto\\b|https?://|\\bin\\b|@)`,
    ),
  },
  {
    name: 'picture',
    weight: 3,
    // A picture whose address carries something out as soon as it is shown.
    pattern: /!\[[^\]]{0,128}\]\( {0,2}https?:\/\/[^)]{1,640}/g,
    within:
      /[?&/](?:[a-z_]{1,24}=)?(?:\{|\$\{|%7b|\[|<|[a-z_]{0,24}=?(?:secret|data|history|chat|conversation|summary|prompt|token|key|password))/,
  },
  {
    name: 'picture',
    weight: 3,
    // Or a link that somebody is to fill in.
    pattern: /https?:\/\/(?:[^\s<>"]{1,256}[=/])?<[^>]{2,128}>/g,
  },
  {
    name: 'comment',
    weight: 3,
    pattern: /<!--[^>]{1,600}/g,
    within: new RegExp(
      `\\b(?:${READER}|ignore|instructions?|system prompt)\\b[^>]*\\b(?:must|should|send|ignore|forward|reveal|do not|please|execute|call|include|always)\\b`,
    ),
  },
  {
    name: 'comment',
    weight: 3,
    pattern:
      /(?:display ?: ?none|visibility ?: ?hidden|font-size ?: ?0|color ?: ?(?:white|#fff(?:fff)?)|opacity ?: ?0)[^>]{0,200}>[^<]{1,400}/g,
    within: new RegExp(`>[^<]*\\b(?:${READER}|ignore|instructions?|summari[sz]ing)\\b`),
  },
  {
    name: 'role',
    weight: 2,
    pattern:
      /\b(?:you are now|act as|pretend to be|pretend you are|roleplay as|simulate|enter|enable|switch to|activate) (?:in |an? |the )?(?:\w{1,24} ){0,3}?(?:dan|jailbreak|jailbroken|developer mode|debug mode|god mode|admin(?:istrator)? mode|unrestricted|unfiltered|uncensored|root access|maintenance mode)\b|\bdo anything now\b|\byou are now [a-z]{3,24}, who\b/g,
  },
  {
    name: 'tool',
    weight: 1,
    pattern:
      /\b(?:call|use|invoke|run|execute|trigger) (?:the )?(?:\w{1,24} ){0,2}?(?:tool|function|command|api|[a-z]{2,24}_[a-z_]{2,24})\b|\b(?:transfer|wire|send|pay|forward|delete|share|invite|post|e-?mail) (?:\S{1,64} ){0,8}?(?:to|with|at) (?:the )?(?:\S{1,64}@\S{1,64}|https?:\/\/\S{1,64}|account|iban|\w{1,24} \S{1,64}@)|\b(?:curl|wget|sudo|pip install|npx) /g,
  },
];
