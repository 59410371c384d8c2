"""Makes personal.jsonl: made-up people in documents of many shapes, and numbers that only look like theirs."""

import base64
import hashlib
import importlib.metadata
import json
import pathlib
import random
import re
import uuid

import phonenumbers
from faker import Faker
from rows import split_of, utf16, write

SEED = 20261129
random.seed(SEED)
Faker.seed(SEED)
LOCALES = "en_US en_GB de_DE fr_FR es_ES it_IT nl_NL pl_PL pt_BR sv_SE da_DK fi_FI cs_CZ tr_TR en_IN en_AU ro_RO hu_HU".split()
FAKERS = {locale: Faker(locale) for locale in LOCALES}
US = FAKERS["en_US"]
TYPES = ("email", "phone", "card", "iban", "ssn", "ip")

# --- values ---------------------------------------------------------------------------------------------------------


def locale():
    return random.choice(LOCALES)


def ascii_word(text):
    return re.sub(r"[^a-z]", "", text.lower()) or "anna"


def email(where):
    """Of a made-up person at a made-up or free provider; never at example.com, which stands for nobody."""
    fake = FAKERS[where]
    first, last = ascii_word(fake.first_name()), ascii_word(fake.last_name())
    domain = random.choice(
        [
            lambda: random.choice(["gmail.com", "outlook.com", "web.de", "orange.fr", "libero.it", "proton.me", "yahoo.co.uk"]),
            lambda: f"{ascii_word(fake.last_name())}-{random.choice(['group', 'consulting', 'labs'])}.{random.choice(['com', 'de', 'io', 'co.uk', 'museum', 'dev'])}",
            lambda: f"mail.{ascii_word(US.city())}.edu",
        ]
    )()
    local = random.choice(
        [f"{first}.{last}", f"{first}{random.randint(1, 99)}", f"{first[0]}{last}", f"{last}_{first}", f"{first}+{random.choice(['shop', 'news', 'x'])}", f"{first}-{last}.jr"]
    )
    address = f"{local}@{domain}"
    return address.upper() if random.random() < 0.04 else address


REGIONS = "US GB DE FR ES IT NL PL BR SE DK FI CZ TR IN AU CH AT JP ZA MX CA".split()
FORMATS = phonenumbers.PhoneNumberFormat


def phone(region=None):
    """A number that its country's plan has, in the plan's own spelling; whose it is, if anyone's, is not known."""
    region = region or random.choice(REGIONS)
    kind = random.choice([phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE])
    base = phonenumbers.example_number_for_type(region, kind) or phonenumbers.example_number(region)
    digits = str(base.national_number)
    for _ in range(500):
        tail = "".join(random.choice("0123456789") for _ in range(5))
        number = phonenumbers.PhoneNumber(country_code=base.country_code, national_number=int(digits[:-5] + tail))
        if phonenumbers.is_valid_number(number):
            break
    spelling = random.choices([FORMATS.INTERNATIONAL, FORMATS.NATIONAL, FORMATS.E164], [5, 4, 2])[0]
    text = phonenumbers.format_number(number, spelling)
    roll = random.random()
    if roll < 0.1:
        return text.replace(" ", ".").replace("-", ".") if " " in text else text
    return text.replace(" ", "-") if roll < 0.18 and "(" not in text else text


def card():
    number = US.credit_card_number(random.choice(["visa16", "mastercard", "amex", "discover", "jcb16", "diners"]))
    sizes = {15: (4, 6, 5), 14: (4, 6, 4)}.get(len(number), (4, 4, 4, 4))
    mark = random.choices(["", " ", "-"], [4, 5, 2])[0]
    return grouped(number, sizes, mark) if sum(sizes) == len(number) else number


def grouped(text, sizes, mark):
    parts, at = [], 0
    for size in sizes:
        parts.append(text[at : at + size])
        at += size
    return mark.join(parts)


IBAN_LOCALES = "de_DE fr_FR es_ES it_IT nl_NL pl_PL en_GB fi_FI cs_CZ tr_TR pt_PT de_AT fr_CH no_NO da_DK".split()
IBANS = {name: Faker(name) for name in IBAN_LOCALES}


def valid_iban(text):
    turned = text[4:] + text[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


def iban():
    while True:
        text = IBANS[random.choice(IBAN_LOCALES)].iban()
        if valid_iban(text):
            break
    if random.random() < 0.5:
        return text
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def ssn():
    """Mostly with hyphens; the texts around say what the bare nine digits are."""
    return random.choices([US.ssn(), US.ssn().replace("-", " "), US.ssn().replace("-", "")], [8, 1, 1])[0]


def ip():
    """Public addresses only: whether a loopback or private one is personal is a matter of taste."""
    if random.random() < 0.3:
        groups = [0x2A00 + random.randint(0, 0x3FF), *(random.getrandbits(16) for _ in range(7))]
        if random.random() < 0.5:
            return ":".join(f"{group:x}" for group in [*groups[:4]]) + "::" + f"{groups[7] | 1:x}"
        return ":".join(f"{group:x}" for group in groups)
    return US.ipv4_public()


MAKERS = {"email": lambda: email(locale()), "phone": phone, "card": card, "iban": iban, "ssn": ssn, "ip": ip}

# --- from templates to rows ------------------------------------------------------------------------------------------

SLOT = re.compile(r"\{(\w+)\}")


def day():
    """Not faker's, whose dates depend on the day on which it runs."""
    return f"{random.randint(1970, 2026)}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}"


def clock():
    return f"{random.randint(0, 23):02d}:{random.randint(0, 59):02d}:{random.randint(0, 59):02d}"


def agent():
    """A browser's, whose version has the four parts of an address."""
    chrome = f"{random.randint(90, 140)}.0.{random.randint(4000, 7000)}.{random.randint(1, 240)}"
    return f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome} Safari/537.36"


def other(name):
    """What fills the slots that are of no type: names, places, dates, amounts."""
    fake = FAKERS[random.choice(("en_US", "en_GB"))]
    makers = {
        "person": fake.name, "name": fake.name, "first": fake.first_name, "last": fake.last_name, "city": fake.city,
        "company": fake.company, "date": day, "time": clock, "amount": lambda: f"{random.uniform(3, 9000):.2f}",
        "street": fake.street_address, "product": lambda: fake.catch_phrase().lower(), "order": lambda: str(random.randint(10**6, 10**8 - 1)),
        "sentence": lambda: fake.sentence(nb_words=9), "year": lambda: str(random.randint(1999, 2026)), "agent": agent,
        "path": fake.uri_path, "job": fake.job, "country": fake.country,
    }  # fmt: skip
    return makers[name]()


def fill(template, source, extra=None):
    """The text, and where in it the values of each type stand, counted as JavaScript counts."""
    text, entities, at = "", [], 0
    for slot in SLOT.finditer(template):
        text += template[at : slot.start()]
        at = slot.end()
        name = slot.group(1)
        kind = name.rstrip("0123456789")
        value = MAKERS[kind]() if kind in MAKERS else (extra or other)(kind)
        if kind in MAKERS:
            start = utf16(text)
            entities.append({"type": kind, "start": start, "end": start + utf16(value)})
        text += value
    text += template[at:]
    return {"text": text, "entities": entities, "split": split_of(text), "source": source}


DOCUMENTS = [
    "Hi {first},\n\nthanks for calling. You reach me under {phone} or by mail: {email}.\n\nBest\n{person}",
    "From: {person} <{email}>\nTo: {first} <{email2}>\nDate: {date}\nSubject: {product}\n\n{sentence}",
    "--\n{person}\n{job}, {company}\nTel. {phone} | {email}\n{street}, {city}",
    "name,mail,phone,since\n{first},{email},{phone},{year}\n{last},{email2},{phone2},{year}",
    '{"id":{order},"customer":{"name":"{person}","email":"{email}","phone":"{phone}"},"total":{amount}}',
    '{"card":"{card}","holder":"{person}","exp":"08/29","amount":{amount}}',
    "Please charge {card} (exp 11/28) with {amount} EUR for order {order}.",
    "The customer read out card number {card} on the phone, which we must not keep. Ref {order}.",
    "Payment by transfer: account holder {company}, IBAN {iban}, amount {amount} EUR, reference {order}.",
    "Bitte überweisen Sie {amount} EUR auf das Konto {iban} bis zum {date}. Rückfragen: {phone}.",
    "Merci de virer {amount} EUR sur le compte {iban}. Contact : {email}, tél. {phone}.",
    "Llámame al {phone} o escribe a {email}. La cuenta es {iban}.",
    "Bonifico a favore di {company}, IBAN {iban}, causale {order}.",
    "Graag overmaken naar {iban} t.n.v. {person}. Vragen? {phone}",
    "{date}T{time}Z INFO login user={first} ip={ip} agent={agent}",
    "{ip} - - [{date}:{time} +0000] \"GET /{path} HTTP/1.1\" 200 5123",
    "{date} {time} sshd[2211]: Failed password for {first} from {ip} port 51122 ssh2",
    "X-Forwarded-For: {ip}, {ip2}\nX-Request-Id: 7f1c",
    "{date} {time} WARN rate limit hit by [{ip}]:443 after 900 requests",
    "Employee {person}, SSN {ssn}, starts on {date}. Payroll to {iban}.",
    "W-2 for {year}: social security number {ssn}, wages {amount}.",
    "My social is {ssn} and my date of birth is {date}, can you see my file?",
    "patient;ssn;phone\n{person};{ssn};{phone}",
    "INSERT INTO users (name, email, ip) VALUES ('{last}', '{email}', '{ip}');",
    "BEGIN:VCARD\nVERSION:3.0\nFN:{person}\nTEL;TYPE=cell:{phone}\nEMAIL:{email}\nEND:VCARD",
    "<a href=\"mailto:{email}\">{email2}</a> <span class=\"tel\">{phone}</span>",
    "user: my mail is {email}\nassistant: Thanks, is {phone} still your number?\nuser: yes",
    "ticket {order}: {first} says the code goes to {phone} but the new number is {phone2}.",
    "Guest: {person}; passport on file; card ****; phone {phone}; arrives {date}",
    "Can you ring {first} ({phone}) before {time}? She wrote from {email} that the key is lost.",
    "Contact: {email}; {email2}; {email3}",
    "The refund for order {order} goes to {card}. Confirm to {email}.",
    "Téléphone : {phone}. Courriel : {email}. Commande n° {order}.",
    "Wire instructions: beneficiary {person}, {iban}, bank in {country}. Do not confirm by mail.",
    "curl -X POST https://api.shop.test/customers -d 'email={email}&phone={order}'",
    "Unsubscribe {email} from the list; bounced twice. Last seen from {ip}.",
    "{sentence} {sentence} If in doubt, write to {email}. {sentence}",
    "{sentence} {sentence} The account {iban} was closed in {year}. {sentence}",
    "{sentence} Reach the night desk on {phone}. {sentence}",
    "電話番号は{phone}です。メールは{email}までお願いします。",
    "Телефон для связи: {phone}, почта: {email}.",
    "fraud report: cards {card} and {card2} used from {ip} within an hour",
    "dig -x {ip}\ntraceroute to {ip2}, 30 hops max",
    "config:\n  admin: {email}\n  allow:\n    - {ip}\n    - {ip2}\n",
    "WhatsApp {first} {phone} 👍🏽 or mail 📧 {email}",
    "ssn={ssn}&name={last}&zip=94110",
    "Tax form: payee {person}, SSN: {ssn}, {street}, {city}. Questions to {email}.",
    "Applicant's SSN ({ssn}) does not match the one on file, {ssn2}. Call {phone}.",
    '{"ssn":"{ssn}","dob":"{date}","card":"{card}"}',
]

PRESIDIO = {
    "credit_card_number": "card", "phone_number": "phone", "email": "email", "iban": "iban", "ssn": "ssn", "ip_address": "ip",
}  # fmt: skip
PRESIDIO_OTHER = {
    "person": "person", "name": "name", "first_name": "first", "last_name": "last", "name_male": "person", "name_female": "person", "first_name_male": "first",
    "first_name_female": "first", "city": "city", "country": "country", "organization": "company", "street_name": "street", "address": "street",
    "job": "job", "year": "year", "date_time": "date", "date_of_birth": "date",
}  # fmt: skip


def presidio():
    """Sentences of presidio-evaluator whose slots are all known here; of those without a type, a part."""
    root = pathlib.Path(importlib.metadata.distribution("presidio-evaluator").locate_file(""))
    path = root / "presidio_evaluator" / "data_generator" / "raw_data" / "templates.txt"
    typed, plain = [], []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        names = re.findall(r"\{\{(\w+)\}\}", line)
        if "\ufffd" in line or not all(name in PRESIDIO or name in PRESIDIO_OTHER for name in names):
            continue
        template = re.sub(r"\{\{(\w+)\}\}", lambda m: "{" + (PRESIDIO.get(m[1]) or PRESIDIO_OTHER[m[1]]) + "}", line)
        # `\n` stands for a line break in that file.
        (typed if any(name in PRESIDIO for name in names) else plain).append(template.replace("\\n", "\n").strip())
    random.shuffle(plain)
    rows = [fill(template, "presidio-evaluator templates") for template in typed for _ in range(2)]
    return rows + [fill(template, "presidio-evaluator templates") for template in plain[:24]]


# --- what only looks like it -----------------------------------------------------------------------------------------


def digits(count):
    return str(random.randint(1, 9)) + "".join(random.choice("0123456789") for _ in range(count - 1))


def luhn(number):
    total = 0
    for index, char in enumerate(reversed(number)):
        value = int(char) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def not_a_card():
    """Sixteen digits that begin as a card's do and fail its checksum."""
    while True:
        number = random.choice("45") + digits(15)
        if not luhn(number):
            return grouped(number, (4, 4, 4, 4), random.choice(["", " ", "-"]))


def not_an_iban():
    text = IBANS["de_DE"].iban()
    wrong = text[:2] + f"{(int(text[2:4]) + random.randint(1, 90)) % 97:02d}" + text[4:]
    return not_an_iban() if valid_iban(wrong) else wrong


def not_an_ssn():
    return random.choice([f"000-{digits(2)}-{digits(4)}", f"666-{digits(2)}-{digits(4)}", f"9{digits(2)}-{digits(2)}-{digits(4)}", f"{random.randint(101, 500)}-00-{digits(4)}"])


def isbn():
    head = "978" + digits(9)
    total = sum(int(char) * (3 if index % 2 else 1) for index, char in enumerate(head))
    text = head + str(-total % 10)
    return grouped(text, (3, 1, 4, 4, 1), random.choice(["-", "-", ""]))


LOOKALIKES = {
    "sha": lambda: hashlib.sha1(random.randbytes(8)).hexdigest(),
    "short": lambda: hashlib.sha1(random.randbytes(8)).hexdigest()[:9],
    "sha_long": lambda: hashlib.sha256(random.randbytes(8)).hexdigest(),
    "uuid": lambda: str(uuid.UUID(int=random.getrandbits(128), version=4)),
    "isbn": isbn,
    "notcard": not_a_card,
    "notiban": not_an_iban,
    "notssn": not_an_ssn,
    "version": lambda: f"{random.randint(0, 20)}.{random.randint(0, 40)}.{random.randint(0, 30)}",
    "longversion": lambda: f"{random.randint(1, 12)}.{random.randint(0, 9)}.{random.randint(1000, 9999)}.{random.randint(0, 400)}",
    "quad": lambda: ".".join(str(random.randint(0, 12)) for _ in range(4)),
    "tracking": lambda: random.choice([f"1Z{digits(3)}AA{digits(10)}", f"JD{digits(18)}", f"RR{digits(9)}DE", digits(12)]),
    "epoch": lambda: str(random.randint(1_600_000_000, 1_790_000_000)),
    "millis": lambda: str(random.randint(1_600_000_000_000, 1_790_000_000_000)),
    "stamp": lambda: f"20{random.randint(10, 26)}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d} {random.randint(0, 23):02d}:{random.randint(0, 59):02d}:{random.randint(0, 59):02d}.{random.randint(0, 999):03d}",
    "lat": lambda: f"{random.uniform(-60, 60):.6f}",
    "long": lambda: f"{random.uniform(-170, 170):.6f}",
    "price": lambda: f"{random.randint(1, 99)},{random.randint(0, 999):03d}.{random.randint(0, 99):02d}",
    "ean": lambda: digits(13),
    "snowflake": lambda: digits(18),
    "decimal": lambda: f"0.{digits(16)}",
    "base": lambda: base64.b64encode(random.randbytes(24)).decode("ascii"),
    "mac": lambda: ":".join(f"{random.getrandbits(8):02x}" for _ in range(6)),
    "handle": lambda: "@" + ascii_word(US.first_name()) + random.choice(["_dev", "42", "", ".codes"]),
    "scope": lambda: f"@{ascii_word(US.last_name())}/{US.word()}",
    "host": lambda: f"{US.word()}.{US.word()}.internal",
    "case": lambda: f"{random.randint(2, 9)}:{random.randint(19, 26)}-cv-{digits(5)}",
    "table": lambda: "  ".join(digits(4) for _ in range(3)),
}
NEGATIVES = [
    "Order {order} of {date} has shipped, tracking number {tracking}.",
    "Upgrade {scope}@{version} to {scope}@{version} before Friday.",
    "Build {longversion} of the driver replaces {longversion}.",
    "version {longversion} (build {short})\nreleased {stamp}",
    "git clone git@{host}:team/repo.git && git checkout {short}",
    "git@github.com:acme/tools.git is the remote, not https.",
    "commit {sha}\nMerge: {short} {short}\nDate: {stamp}",
    "sha256:{sha_long}  image.tar",
    "{\"id\":\"{uuid}\",\"parent\":\"{uuid}\",\"ts\":{millis}}",
    "ISBN {isbn}, second edition, {year}, {price} EUR",
    "test card {notcard} is refused: the checksum is wrong",
    "The form says 'invalid' for account {notiban}: check digits do not match.",
    "Sample id {notssn} cannot be a social security number; such areas are never issued.",
    "Meet at {lat}, {long} at noon.",
    "{\"lat\":{lat},\"lng\":{long},\"acc\":{decimal}}",
    "cron ran at {epoch}, next at {epoch}; took 1834 ms",
    "Total {price} USD, {price} of it tax. Invoice {order}.",
    "EAN {ean}, shelf 14, stock 1200",
    "ping {handle} and {handle} for a review, or post in #deploys",
    "@app.route('/users/<int:id>')\n@login_required\ndef show(id): ...",
    "import { render } from '{scope}';\nimport x from '{scope}/sub.js';",
    "\"{scope}\": \"^{version}\",\n\"{scope}\": \"~{version}\"",
    "Follow us: {handle} on the usual networks. Season ticket {order}.",
    "channel {snowflake} message {snowflake} reaction 3",
    "pi is 3.14159265358979, e is 2.71828182845904, loss {decimal}",
    "Authorization header was {base} (opaque)",
    "device {mac} joined; firmware {version}",
    "Case {case}, filed {date}, docket entry 12",
    "readings: {table}\n          {table}",
    "Section 4.2.1.3 of the manual explains step 10.4.2.",
    "SNMP OID 1.3.6.1.4.1.9.2.1 returns the load",
    "Release {quad} fixes the crash of {quad}; skip {quad}.",
    "nginx/1.{version} (module version {quad}), openssl {version}",
    "Chapter 1.2.3.4 follows 1.2.3.3 in the new numbering.",
    "Opening hours 08:00-17:30, phones are off on 24-12-{year}",
    "Score 21-19, 18-21, 21-15; match no. {order}",
    "Part no. 555-{order}-A fits models 100-200-3000",
    "int x = 0x7fffffff; double y = 6.02214076e23; // {epoch}",
    "DOI 10.1145/3386367.3432{year}, pages 122-135, vol. 14",
    "The 2019-2024 plan: 120-450 units a day, 30,000-45,000 in all",
    "user@ and @host alone are no addresses; nor is a@b",
    "grep -rn '@Override' src | wc -l   # 1204",
    "WiFi: SSID guest-{year}, ask the desk for the rest",
    "Postal code 10115, 94110-2301 or SW1A 1AA; ticket {order}",
    "Room 4.012, seat 12-14, flight LX {year}, gate B42",
    "resistor 4700 ohm 4k7, IC 74HC595, batch {order}-{year}",
    "VAT no. DE{order}1, company register HRB 120044 B",
    "{date}T00:00:00.000+00:00 job {uuid} done in 12.345678901 s",
    "color: rgba(12, 34, 56, 0.789); transform: matrix(1.2, 0.3, 4.5, 6.7, 8, 9)",
    "Route::get('/a::b::c', fn); std::vector<int>::iterator it; Foo::bar::baz",
    "time 12:34:56:789 and ratio 16:9:4:3, MAC-like aa:bb:cc",
    "The lottery numbers: 04 11 23 35 42 48, bonus 7; draw {order}",
    "{sentence} {sentence} {sentence}",
    "Sehr geehrte Damen und Herren, die Bestellung {order} vom {date} ist unterwegs.",
    "La commande {order} du {date} coûte {price} EUR.",
]


def lookalike(name):
    return LOOKALIKES[name]() if name in LOOKALIKES else other(name)




rows = presidio()
for template in DOCUMENTS:
    rows += [fill(template, "written for this data, faker and phonenumbers") for _ in range(6)]
for template in NEGATIVES:
    rows += [fill(template, "written for this data, look-alikes", lookalike) for _ in range(4)]
write("personal.jsonl", rows)
