"""Makes secrets.jsonl: invented credentials in the formats of their vendors, and strings that only look like some.

The texts are written in ROT13, so that no scanner of a code host takes this file for a leak; lengths and offsets stay."""

import base64
import codecs
import hashlib
import json
import random
import re
import string
import uuid
import zlib

from rows import split_of, utf16, write

random.seed(20261129)

ALNUM = string.ascii_letters + string.digits
UPPER32 = string.ascii_uppercase + "234567"
URLSAFE = ALNUM + "-_"
HEX = "0123456789abcdef"


def pick(alphabet, count):
    return "".join(random.choice(alphabet) for _ in range(count))


def bytes64(count):
    return base64.b64encode(random.randbytes(count)).decode("ascii")


def url64(data):
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def checked(prefix):
    """GitHub's and npm's form: 30 characters and the CRC-32 of them in six of base 62."""
    body = pick(ALNUM, 30)
    rest, check = zlib.crc32(body.encode("ascii")), ""
    alphabet = string.digits + string.ascii_uppercase + string.ascii_lowercase
    while rest:
        rest, digit = divmod(rest, 62)
        check = alphabet[digit] + check
    return prefix + body + check.rjust(6, "0")


def jwt():
    head = json.dumps({"alg": random.choice(["HS256", "RS256"]), "typ": "JWT"}, separators=(",", ":"))
    body = json.dumps({"sub": pick(string.digits, 8), "iss": f"https://id.{pick('abcdefgh', 6)}.net", "exp": random.randint(17 * 10**8, 18 * 10**8)}, separators=(",", ":"))
    return f"{url64(head.encode())}.{url64(body.encode())}.{url64(random.randbytes(32))}"


def pem():
    kind, lines = random.choice([("RSA PRIVATE KEY", 24), ("EC PRIVATE KEY", 2), ("PRIVATE KEY", 3), ("OPENSSH PRIVATE KEY", 6), ("ENCRYPTED PRIVATE KEY", 12)])
    body = [("MII" if i == 0 and "SSH" not in kind else pick(ALNUM, 3)) + pick(ALNUM + "+/", 61) for i in range(lines)]
    return "\n".join([f"-----BEGIN {kind}-----", *body, pick(ALNUM, 40) + "==", f"-----END {kind}-----"])


WORDS = "amber birch cobalt delta ember falcon garnet harbor indigo juniper kestrel lagoon maple nectar onyx pewter".split()


def password():
    """As people and generators make them."""
    return random.choice(
        [
            lambda: random.choice(WORDS).title() + random.choice(WORDS).title() + str(random.randint(10, 9999)) + random.choice("!?#"),
            lambda: pick(ALNUM, random.randint(12, 24)),
            lambda: pick(ALNUM + "!%*+-_=", random.randint(14, 22)).strip("-_=+"),
            lambda: "-".join(random.sample(WORDS, 4)) + str(random.randint(1, 99)),
        ]
    )()


def urlpass():
    return pick(ALNUM, random.randint(10, 20))


TOKENS = {
    "github": lambda: checked(random.choice(["ghp_", "gho_", "ghs_"])),
    "github-pat": lambda: f"github_pat_{pick(ALNUM, 22)}_{pick(ALNUM, 59)}",
    "gitlab": lambda: "glpat-" + pick(URLSAFE, 20),
    "slack": lambda: random.choice([f"xoxb-{pick('123456789', 12)}-{pick('123456789', 13)}-{pick(ALNUM, 24)}", f"xoxp-{pick('123456789', 12)}-{pick('123456789', 12)}-{pick('123456789', 13)}-{pick(HEX, 32)}"]),
    "slack-webhook": lambda: f"https://hooks.slack.com/services/T{pick(UPPER32, 10)}/B{pick(UPPER32, 10)}/{pick(ALNUM, 24)}",
    "stripe": lambda: random.choice(["sk_live_", "rk_live_"]) + pick(ALNUM, random.choice([24, 99])),
    "stripe-webhook": lambda: "whsec_" + pick(ALNUM, 32),
    "openai": lambda: random.choice([f"sk-{pick(ALNUM, 20)}T3BlbkFJ{pick(ALNUM, 20)}", f"sk-proj-{pick(URLSAFE, 74)}T3BlbkFJ{pick(URLSAFE, 74)}"]),
    "anthropic": lambda: f"sk-ant-api03-{pick(URLSAFE, 93)}AA",
    "google": lambda: "AIza" + pick(URLSAFE, 35),
    "google-oauth": lambda: "GOCSPX-" + pick(URLSAFE, 28),
    "npm": lambda: checked("npm_"),
    "pypi": lambda: "pypi-AgEIcHlwaS5vcmc" + url64(random.randbytes(120)),
    "sendgrid": lambda: f"SG.{pick(URLSAFE, 22)}.{pick(URLSAFE, 43)}",
    "huggingface": lambda: "hf_" + pick(string.ascii_letters, 34),
    "digitalocean": lambda: "dop_v1_" + pick(HEX, 64),
    "shopify": lambda: "shpat_" + pick(HEX, 32),
    "telegram": lambda: f"{pick('123456789', 10)}:AA{pick(URLSAFE, 33)}",
    "databricks": lambda: "dapi" + pick(HEX, 32),
    "newrelic": lambda: "NRAK-" + pick(string.ascii_uppercase + string.digits, 27),
    "linear": lambda: "lin_api_" + pick(ALNUM, 40),
    "groq": lambda: "gsk_" + pick(ALNUM, 52),
    "vault": lambda: "hvs." + pick(URLSAFE, 95),
    "grafana": lambda: f"glsa_{pick(ALNUM, 32)}_{pick(HEX, 8)}",
    "jwt": jwt,
}
NAMED = {
    "aws-id": lambda: random.choice(["AKIA", "ASIA"]) + pick(UPPER32, 16),
    "aws-secret": lambda: pick(ALNUM + "+/", 40),
    "twilio": lambda: pick(HEX, 32),
    "datadog": lambda: pick(HEX, 32),
    "cloudflare": lambda: pick(URLSAFE, 40),
    "azure-storage": lambda: bytes64(64),
    "azure-client": lambda: f"{pick(ALNUM, 3)}8Q~{pick(ALNUM + '._', 34)}",
    "password": password,
    "url-password": urlpass,
    "bearer": lambda: pick(URLSAFE, 43),
    "basic": lambda: base64.b64encode(f"{random.choice(WORDS)}:{password()}".encode()).decode(),
    "api-key": lambda: pick(random.choice([ALNUM, HEX]), 32),
    "pem": pem,
}
# Where a token may stand. `[[` and `]]` bound what a finding may cover besides the value itself.
PLACES = [
    "{NAME}={token}\nLOG_LEVEL=info\n",
    "export {NAME}=\"{token}\"",
    "services:\n  web:\n    environment:\n      - PORT=8080\n      - {NAME}={token}\n",
    "{\n  \"region\": \"eu-west-1\",\n  \"token\": \"{token}\",\n  \"retries\": 3\n}",
    "const client = new Client({ token: '{token}', timeout: 5000 });",
    "client = Client(api_key=\"{token}\")  # TODO move to the vault",
    "curl -s -H \"Authorization: Bearer {token}\" https://api.vendor.test/v1/items",
    "{stamp} DEBUG http - > GET /v1/me\n{stamp} DEBUG http - > authorization: Bearer {token}\n{stamp} INFO done",
    "hey, the staging job fails, can you try with {token} and tell me? thx",
    "-{NAME}=old\n+{NAME}={token}\n",
    "| name | value |\n|---|---|\n| token | `{token}` |\n| owner | platform |",
    "provider \"vendor\" {\n  token = \"{token}\"\n}",
    "ENV {NAME} {token}\nRUN npm ci",
    "Error: request to https://api.vendor.test/v1?key={token} failed, status 403",
    "user: what is wrong with this line?\n{NAME}: {token}\nassistant: The name must be quoted.",
    "<add key=\"{NAME}\" value=\"{token}\" />",
    "Bei der Übergabe stand im Dokument: Schlüssel {token}, bitte austauschen.",
]
SPECIAL = [
    "AWS_ACCESS_KEY_ID={aws-id}\nAWS_SECRET_ACCESS_KEY={aws-secret}\nAWS_REGION=eu-central-1",
    "[default]\naws_access_key_id = {aws-id}\naws_secret_access_key = {aws-secret}\n",
    "{\"accessKeyId\":\"{aws-id}\",\"secretAccessKey\":\"{aws-secret}\"}",
    "s3 = boto3.client('s3', aws_access_key_id='{aws-id}', aws_secret_access_key='{aws-secret}')",
    "WARN denied for {aws-id} on bucket reports",
    "TWILIO_ACCOUNT_SID=AC{sid}\n[[TWILIO_AUTH_TOKEN={twilio}]]",
    "[[DD_API_KEY={datadog}]]\nDD_SITE=datadoghq.eu",
    "[[CLOUDFLARE_API_TOKEN={cloudflare}]]",
    "[[DefaultEndpointsProtocol=https;AccountName=store{num};AccountKey={azure-storage};EndpointSuffix=core.windows.net]]",
    "[[AZURE_CLIENT_SECRET={azure-client}]]\nAZURE_TENANT_ID={uuid}",
    "[[DATABASE_URL=postgres://app:{url-password}@db.{word}.internal:5432/orders?sslmode=require]]",
    "mongoose.connect('[[mongodb+srv://svc:{url-password}@cluster0.{sid8}.mongodb.net/prod]]')",
    "[[redis://:{url-password}@cache.{word}.internal:6379/0]]",
    "[[amqp://worker:{url-password}@mq-{num}.{word}.internal/vh]] is down since 03:12",
    "git clone [[https://{word}-bot:{url-password}@git.{word}.dev/team/repo.git]]",
    "spring.datasource.url=jdbc:mysql://db:3306/shop\nspring.datasource.username=shop\n[[spring.datasource.password={password}]]",
    "Server=tcp:sql{num}.{word}.net;Database=erp;User Id=erp;[[Password={url-password}]];Encrypt=True",
    "db:\n  user: app\n  [[password: {password}]]\n  host: 10.0.0.4",
    "const config = { user: 'root', [[password: '{password}']] };",
    "Login for the demo: user demo, [[password: {password}]] - please do not share",
    "[[DB_PASSWORD=\"{password}\"]]\nDB_HOST=localhost",
    "Das Passwort für den Router: [[Passwort: {password}]]",
    "[[SECRET_KEY = '{api-key}']]\nDEBUG = False",
    "[[api_key: {api-key}]]\nendpoint: https://api.{word}.io",
    "{\"[[client_secret\":\"{api-key}\"]],\"client_id\":\"web\"}",
    "[[X-Api-Key: {api-key}]]\nAccept: application/json",
    "GET /v1/users HTTP/1.1\n[[Authorization: Bearer {bearer}]]\nHost: api.{word}.io",
    "curl [[-H 'Authorization: Basic {basic}']] https://{word}.io/export",
    "curl [[-u svc:{url-password}]] https://{word}.io/export",
    "mysql -h db -u root [[--password={url-password}]] shop < dump.sql",
    "sshpass [[-p '{url-password}']] ssh deploy@{word}.internal",
    "{pem}",
    "# id_ecdsa, found in the image\n{pem}\n# end",
    "apiVersion: v1\nkind: Secret\nstringData:\n  tls.key: |\n{pem}\n",
    "//registry.acme.test/:_authToken={npm}\nsave-exact=true",
    "[pypi]\nusername = __token__\npassword = {pypi}",
    "machine github.com login x-access-token password {github}",
    "git remote set-url origin [[https://x-access-token:{github}@github.com/acme/web.git]]",
]
FILLERS = {
    "stamp": lambda: f"2025-0{random.randint(1, 9)}-{random.randint(10, 28)}T{random.randint(10, 23)}:{random.randint(10, 59)}:07Z",
    "sid": lambda: pick(HEX, 32),
    "sid8": lambda: pick(string.ascii_lowercase + string.digits, 7),
    "num": lambda: str(random.randint(1, 99)),
    "uuid": lambda: str(uuid.UUID(int=random.getrandbits(128), version=4)),
    "word": lambda: random.choice(WORDS),
    "sha": lambda: hashlib.sha1(random.randbytes(8)).hexdigest(),
    "sha256": lambda: hashlib.sha256(random.randbytes(8)).hexdigest(),
    "md5": lambda: hashlib.md5(random.randbytes(8)).hexdigest(),
    "b64": lambda: bytes64(48),
    "sri": lambda: "sha512-" + bytes64(64),
    "png": lambda: "iVBORw0KGgoAAAANSUhEUgAA" + bytes64(90),
    "pub": lambda: "AAAAC3NzaC1lZDI1NTE5AAAAI" + pick(ALNUM + "+/", 43),
    "rsapub": lambda: "\n".join("MIIBIjANBg"[: 10 if i == 0 else 0] + pick(ALNUM + "+/", 54 if i == 0 else 64) for i in range(5)),
    "id21": lambda: pick(URLSAFE, 21),
    "ulid": lambda: "01J" + pick("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 23),
    "object": lambda: pick(HEX, 24),
    "digits": lambda: pick("123456789", 18),
    "class": lambda: "css-" + pick(string.ascii_lowercase + string.digits, 7),
    "masked": lambda: random.choice(["sk-****************************", "ghp_************************************", "xoxb-xxxxxxxxxxxx-xxxxxxxxxxxx-xxxxxxxx", "AKIA****************", "••••••••••••"]),
    "holder": lambda: random.choice(["YOUR_API_KEY", "<your-token>", "changeme", "sk-xxxxxxxxxxxxxxxxxxxxxxxx", "xxxxxxxx", "REPLACE_ME", "<API_KEY_HERE>", "your-secret-here", "***", "[REDACTED]"]),
    "var": lambda: random.choice(["${TOKEN}", "$API_KEY", "{{ secrets.TOKEN }}", "%TOKEN%", "process.env.TOKEN", "os.environ['TOKEN']", "${{ secrets.DEPLOY_KEY }}", "$(cat /run/secrets/token)", "vault:secret/data/app#token"]),
    "constant": lambda: random.choice(["API_KEY", "ACCESS_TOKEN", "SERVICE_SECRET", "APP_PASSWORD", "CLIENT_SECRET"]),
}  # fmt: skip
ORDINARY = [
    "{constant}={holder}\nPORT=8080",
    "{constant}={var}",
    "client = Client(token={var})",
    "curl -H \"Authorization: Bearer {holder}\" https://api.vendor.test",
    "curl -H \"Authorization: Bearer {var}\" https://api.vendor.test",
    "Set {constant} to your own key; it looks like {masked}.",
    "log: token {masked} (masked) accepted",
    "request {uuid} took 12 ms, parent {uuid}",
    "commit {sha}\nAuthor: mira\n\n    fix tests",
    "index {sha}..{sha} 100644\n--- a/app.ts\n+++ b/app.ts",
    "image: nginx@sha256:{sha256}",
    "{sha256}  talos-1.2.0.tar.gz",
    "\"integrity\": \"{sri}\",\n\"engines\": { \"node\": \">=20\" }",
    "<img alt=\"logo\" src=\"data:image/png;base64,{png}\">",
    "ssh-ed25519 {pub} mira@laptop",
    "-----BEGIN PUBLIC KEY-----\n{rsapub}\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----\n{rsapub}\n-----END CERTIFICATE-----",
    "ETag: \"{md5}\"\nContent-MD5: {md5}",
    "{\"_id\":\"{object}\",\"order\":\"{ulid}\",\"v\":3}",
    "nonce={id21} span={md5}",
    "guild {digits}, channel {digits}",
    "<div class=\"{class} {class} {class}\">",
    "The password must have twelve characters, one digit and one sign.",
    "const password = prompt('Password: ');\nif (!password) return;",
    "def login(user, password):\n    return check(user, hash(password))",
    "password: str = Field(min_length=12)\ntoken: str | None = None",
    "Password reset requested. If it was not you, ignore this mail.",
    "postgres://localhost:5432/orders?sslmode=disable",
    "DATABASE_URL=postgres://app:{var}@db.internal/orders",
    "redis://cache.internal:6379/0 and amqp://mq.internal/vh",
    "https://user@git.internal/team/repo.git",
    "git@github.com:acme/{word}.git at {sha}",
    "Your access key id starts with AKIA, temporary ones with ASIA.",
    "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE is the one in the vendor's documentation.",
    "Tokens of GitHub begin with ghp_, those of npm with npm_, those of GitLab with glpat-.",
    "const PREFIXES = ['sk_live_', 'sk-ant-', 'xoxb-', 'SG.', 'hf_'];",
    "/^ghp_[A-Za-z0-9]{36}$/ and /^AKIA[A-Z2-7]{16}$/ are the patterns",
    "secretName: app-tls\nsecretKeyRef:\n  name: db\n  key: password",
    "token_count=8192 max_tokens=1024 secret_santa=true",
    "api_key_id: {uuid} (an id, not the key)",
    "account sid AC{md5} (an id)",
    "X-Request-Id: {id21}\nX-Trace: {md5}",
    "var e=function(t){return t.api_key||t.token};/*{md5}*/",
    "checksum {sha} ok; 1,204 files; build {ulid}",
    "solidity: 0x{sha} sent 2 tokens, tx 0x{sha256}",
    "bcrypt cost 12; salt length 16; {word} {word} {word}",
    "ping statistics: 10 sent, 10 received, {word} is up",
]


def filled(template, source, names):
    """The text with its entities; a value may stand between `[[` and `]]`, the most that a finding of it may cover."""
    text, entities, at, bound, waiting = "", [], 0, None, []
    for part in re.finditer(r"\[\[|\]\]|\{([a-zA-Z0-9-]+)\}", template):
        text += template[at : part.start()]
        at = part.end()
        if part.group() == "[[":
            bound, waiting = utf16(text), []
        elif part.group() == "]]":
            for entity in waiting:
                entity["around"] = {"start": bound, "end": utf16(text)}
            bound = None
        else:
            name = part.group(1)
            kind, value = names(name)
            if kind is not None:
                entity = {"type": kind, "start": utf16(text), "end": utf16(text) + utf16(value)}
                entities.append(entity)
                waiting += [entity] if bound is not None else []
            text += value
    text += template[at:]
    return {"text": codecs.encode(text, "rot13"), "rot13": True, "entities": entities, "split": split_of(text), "source": source}


def plain(name):
    """A filler; braces around anything else, as in a pattern, are no slot."""
    return None, FILLERS[name]() if name in FILLERS else "{" + name + "}"


def special(name):
    maker = NAMED.get(name) or TOKENS.get(name)
    return (name, maker()) if maker else plain(name)


def placed(vendor):
    def names(name):
        if name == "token":
            return vendor, TOKENS[vendor]()
        if name == "NAME":
            return None, vendor.upper().replace("-", "_") + random.choice(["_TOKEN", "_API_KEY", "_KEY"])
        return plain(name)

    return names


rows = []
for number, vendor in enumerate(TOKENS):
    for step in range(8):
        rows.append(filled(PLACES[(number * 7 + step * 4) % len(PLACES)], "written for this data", placed(vendor)))
for template in SPECIAL:
    rows += [filled(template, "written for this data", special) for _ in range(4)]
for template in ORDINARY:
    rows += [filled(template, "written for this data, look-alikes", plain) for _ in range(6)]
write("secrets.jsonl", rows)
