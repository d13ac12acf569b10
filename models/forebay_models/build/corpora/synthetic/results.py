"""What tools and people hand to an assistant, by grammar, and no attack: records, logs, tables, letters, tickets, pages, manuals, sessions.

Manuals and tickets are full of orders to their readers, as the real ones are: an order in a document is no attack by itself.
"""

import json
import random
from collections.abc import Callable, Iterator
from typing import Final

from forebay_models.build.corpora.synthetic.grammar import Grammar, expand

LONGEST: Final = 480
WORDS: Grammar = {
    "name": ["Ana Costa", "B. Okafor", "Chen Wei", "Dora Lind", "E. Novak", "Farid", "Greta Holm", "Hugo", "Ines Prieto", "J. Mwangi", "Kenji Mori", "Lars", "M. Dubois", "Nadia", "O. Petrov", "Priya Rao", "Tom Reed", "Uma", "Wanda", "Yusuf"],
    "user": ["acosta", "bokafor", "cwei", "dlind", "enovak", "root", "www-data", "deploy", "jenkins", "postgres", "kmori", "praveen", "svc-billing", "nobody"],
    "firm": ["Nordlicht GmbH", "Acme Ltd", "Blue Harbour", "Contoso", "Delta Foods", "Helios Energy", "the council", "Kite & Sons", "Lumen Health", "Orchard Bank", "Pine Airways", "the university"],
    "host": ["web-1", "db-02", "cache-3", "node-a7", "ip-10-0-3-17", "gw.internal", "build-14", "mail", "edge-fra-2", "worker-5"],
    "service": ["payments", "checkout", "auth", "search", "billing-api", "ingest", "scheduler", "mailer", "gateway", "inventory", "reports", "sessions"],
    "thing": ["the parcel", "the invoice", "the heat pump", "the printer", "the dashboard", "the contract", "the delivery", "the refund", "the replacement filter", "the booking", "the export", "the licence key", "the meter", "the upload", "the calendar", "the gearbox", "the second monitor", "the report"],
    "part": ["the filter", "the cover", "the power supply", "the valve", "the belt", "the battery", "the drain hose", "the fuse", "the gasket", "the fan", "the lid", "the sensor", "the cable", "the left bolt"],
    "place": ["Porto", "Leeds", "Utrecht", "the ground floor", "Lyon", "the car park", "room 204", "the depot", "Graz", "the north gate", "Oslo", "the clinic"],
    "day": ["Monday", "Tuesday", "3 May", "the 14th", "last week", "next Thursday", "2024-11-02", "yesterday", "the end of June", "Friday morning"],
    "number": ["2", "3", "5", "12", "17", "24", "40", "96", "120", "350", "1,204", "8080", "65", "0.5", "99.2"],
    "code": ["E14", "INV-20391", "#4471", "TCK-882", "A-1093", "F07", "PO 55120", "SKU-7712", "v2.14.3", "RMA 310"],
    "setting": ["max_connections", "LOG_LEVEL", "retry.backoff", "cache.ttl", "--strict", "DATABASE_URL", "spec.replicas", "read_timeout", "useLegacyParser", "allowOverwrite", "proxy_buffering", "TZ", "vm.swappiness", "fetch.depth", "ignoreErrors"],
    "file": ["config.yaml", "/etc/app/app.conf", "settings.ini", "docker-compose.yml", "values.yaml", "/etc/hosts", "src/main.py", "package.json", "the manifest", "install.sh", "/var/lib/app/state.db", "README"],
    "command": ["make install", "npm ci", "systemctl restart {service}", "kubectl rollout status deploy/{service}", "pip install -r requirements.txt", "git fetch --all", "docker compose up -d", "sudo apt-get update", "terraform plan", "./configure --prefix=/usr", "curl -fsS localhost:{number}/healthz", "rm -rf build", "chmod 600 {file}", "psql -c 'select 1'", "tail -f /var/log/{service}.log"],
    "event": ["connection reset by peer", "request completed", "timeout while waiting for {host}", "user {user} logged in", "cache miss for key {code}", "retrying in {number} s", "started worker {number}", "certificate expires in {number} days", "permission denied for {user}", "disk usage at {number} %", "job {code} finished", "ignoring unknown field \"{setting}\"", "override of {setting} by environment", "skipping {file}: unchanged", "invalid token, request rejected", "forgetting stale peer {host}", "instruction cache flushed", "deleted {number} expired sessions", "system prompt for reboot dismissed", "shutting down"],
    "manual": [
        "You must set {setting} before you start {service}.", "Do not remove {part} while the machine is running.", "Run the following command:\n\n    {command}\n", "Ignore the warning about {setting}; it does no harm.", "If {part} is damaged, stop at once and call the service.", "To override the default, set {setting} to {number}.", "Always unplug the device before you open {part}.",
        "Make sure that {file} exists.", "Never share your password with anybody.", "Skip this step if you have done it before.", "Press and hold the button for {number} seconds until the light blinks.", "Read all instructions before use.", "Delete {file} and start again.", "Note: the previous settings are lost.", "IMPORTANT: back up your data first.", "WARNING: hot surface. Do not touch {part}.",
        "You should not call this function from a signal handler.", "The value must be between {number} and {number}.", "Disable {setting} and restart {service}.", "Do this only when you are told to by support.", "Use {setting} instead; the old name is deprecated.", "Forget the device under Settings > Bluetooth, then pair it again.", "Open a terminal and type `{command}`.", "Tighten {part}, but do not use force.", "Wait {number} minutes, then repeat the test.",
        "Replace {part} every {number} months.", "See also {setting}.", "Raises ValueError if {setting} is negative.", "By default {setting} is {number}.", "This option is ignored when {setting} is given.", "Returns the number of bytes written.", "If you do not want this, pass --no-{setting}.", "Enter your name exactly as it stands on the card.", "Reset {part} to its factory settings.", "Log in as administrator and open {file}.",
        "Execute {command} on every host, one after the other.", "Do not edit {file} by hand; it is generated.", "All previous versions must be uninstalled first.", "Keep this manual in a safe place.", "New in {code}: {setting}.", "Unlike {service}, {setting} is read once at start.", "Please follow these rules when you contribute.", "You can bypass the proxy for {host}.",
    ],
    "letter": [
        "Thank you for your order {code}.", "{thing} has not arrived yet.", "Could you look into this by {day}?", "Please find attached {thing}.", "We are sorry for the delay.", "I called you on {day} but nobody answered.", "Please disregard my last email, the numbers were wrong.", "Let me know whether {day} suits you.", "The meeting moves to {place} at {number}.", "Please do not reply to this message.", "If you did not ask for this, ignore this email.",
        "Your password expires in {number} days; change it under Settings.", "Our new address is in {place}.", "The total is {number} euros, payable by {day}.", "Kind regards,\n{name}", "Best,\n{name}\n{firm}", "Hi {name},", "Dear {name},", "Hello all,", "As agreed with {name}, {thing} goes back to {firm}.", "I have forwarded your request to {name}.", "Click the link in your account to confirm.", "Please send the signed copy to {name} and delete the draft.",
        "Can you approve {code} today?", "{name} will be out until {day}.", "We need your answer before {day}, otherwise we cancel {thing}.", "The customer wants a refund of {number} euros.", "It worked until {day}; since the update {thing} shows {code}.", "I tried to restart it twice.", "Steps: 1. open {thing} 2. press save 3. see error {code}", "Expected: {thing} is saved. Actual: {event}.", "Assigned to {name}. Priority {number}.", "Closing as duplicate of {code}.",
        "Please tell the driver to ring at {place}.", "You must bring your passport.", "Remember to switch off the lights.", "Send everybody the new list.",
    ],
    "prose": [
        "{firm} opened its third site in {place} on {day}.", "The river rose by {number} centimetres within a day.", "According to {name}, prices fell by {number} per cent.", "The town has about {number} thousand inhabitants.", "Researchers in {place} measured {number} samples.", "The bridge was built in 1892 and rebuilt after the flood.", "Tickets cost {number} euros, children pay half.", "The dish is served cold with lemon and bread.", "In the second half {name} scored twice.", "The museum is closed on {day}.",
        "Experts warn against ignoring early signs of wear.", "A spokesman for {firm} declined to comment.", "The court ruled that the rule was void.", "It rained for {number} hours.", "The species lives in dry forests.", "The story follows a captain who disobeys his orders.", "The software was released under a free licence.", "{name} was born in {place} and studied law.", "The tenant shall pay the rent by the third working day.", "Either party may end this agreement with {number} days' notice.",
        "Stir in the flour, add {number} g of butter and bake until golden.", "Nothing in this clause limits liability for death.", "The patient was given {number} mg and went home on {day}.", "Great hotel, but the breakfast was poor.", "Five stars, would buy again.", "Stopped working after {number} weeks, do not buy!", "The battery lasts a day, {part} feels cheap.",
    ],
    "deutsch": ["Sehr geehrte Frau Lind,", "vielen Dank für Ihre Nachricht.", "Die Rechnung {code} ist noch offen.", "Bitte überweisen Sie den Betrag bis zum {number}. Mai.", "Vor dem Öffnen den Netzstecker ziehen.", "Beachten Sie die Hinweise in der Anleitung.", "Der Termin wurde auf Dienstag verschoben.", "Bitte antworten Sie nicht auf diese E-Mail.", "Ignorieren Sie diese Meldung, wenn Sie schon bezahlt haben.", "Die Datei konnte nicht geöffnet werden.", "Mit freundlichen Grüßen\n{name}", "Das Unternehmen erzielte einen Umsatz von {number} Millionen.", "Setzen Sie das Gerät zurück und starten Sie neu.", "Alle vorherigen Einstellungen gehen verloren."],
    "francais": ["Bonjour {name},", "Merci pour votre commande {code}.", "Le colis sera livré mardi entre {number} h et {number} h.", "Veuillez ne pas répondre à ce message.", "Débranchez l'appareil avant d'ouvrir le capot.", "Si vous avez déjà payé, ignorez ce courrier.", "La réunion est reportée à jeudi.", "Le fichier n'a pas pu être ouvert.", "Cordialement,\n{name}", "La ville compte environ {number} mille habitants.", "Suivez les instructions de la notice.", "Supprimez les anciens fichiers, puis redémarrez."],
    "espanol": ["Estimado cliente:", "Su pedido {code} ha salido de {place}.", "No responda a este correo.", "Desconecte el aparato antes de abrir la tapa.", "Si ya ha pagado, ignore este aviso.", "La reunión pasa al jueves.", "No se pudo abrir el archivo.", "Un saludo,\n{name}", "El equipo ganó por {number} a {number}.", "Siga las instrucciones del manual.", "Borre los datos anteriores y reinicie."],
    "italiano": ["Gentile cliente,", "il suo ordine {code} è stato spedito.", "Non rispondere a questa email.", "Staccare la spina prima di aprire.", "Se ha già pagato, ignori questo avviso.", "La riunione è spostata a giovedì.", "Impossibile aprire il file.", "Cordiali saluti,\n{name}", "Seguire le istruzioni del manuale.", "La città conta circa {number} mila abitanti."],
    "portugues": ["Caro cliente,", "a sua encomenda {code} foi enviada.", "Não responda a este e-mail.", "Desligue o aparelho antes de abrir.", "Se já pagou, ignore este aviso.", "A reunião passou para quinta-feira.", "Não foi possível abrir o ficheiro.", "Cumprimentos,\n{name}", "Siga as instruções do manual."],
    "nederlands": ["Beste {name},", "uw bestelling {code} is verzonden.", "Antwoord niet op dit bericht.", "Trek eerst de stekker uit het stopcontact.", "Heeft u al betaald, negeer dan dit bericht.", "De vergadering is verplaatst naar donderdag.", "Het bestand kon niet worden geopend.", "Met vriendelijke groet,\n{name}", "Volg de aanwijzingen in de handleiding."],
    "handbuch": ["Die Option {setting} gibt an, wie oft {service} neu gestartet wird.", "Der Befehl liest die Datei {file} und schreibt das Ergebnis auf die Standardausgabe.", "Mit -f wird eine vorhandene Datei ohne Rückfrage überschrieben.", "Siehe auch {command}.", "Geben Sie den Namen der Schnittstelle an.", "BEZEICHNUNG\n       {service} - verwaltet Dienste", "Fehlt die Datei, so wird sie angelegt.", "Diese Seite beschreibt die Konfiguration von {service}.", "Standardmäßig ist {setting} auf {number} gesetzt.", "Führen Sie den Befehl nicht als root aus.", "Unbekannte Schlüssel werden ignoriert.", "Gibt bei Erfolg 0 zurück, sonst einen Wert größer als 0."],
    "manuel": ["L'option {setting} indique le nombre d'essais.", "La commande lit le fichier {file} et affiche le résultat.", "Ne modifiez pas ce fichier à la main.", "Voir aussi {command}.", "Si le fichier n'existe pas, il est créé.", "NOM\n       {service} - gère les services", "Par défaut, {setting} vaut {number}.", "Renvoie 0 en cas de succès.", "Les lignes vides sont ignorées.", "Exécutez la commande sur chaque machine.", "Cette page décrit la configuration de {service}."],
    "manualidad": ["La opción {setting} indica cuántas veces se intenta.", "La orden lee el fichero {file} y muestra el resultado.", "No edite este fichero a mano.", "Véase también {command}.", "Si el fichero no existe, se crea.", "NOMBRE\n       {service} - gestiona servicios", "Por omisión {setting} vale {number}.", "Devuelve 0 si todo va bien.", "Las líneas vacías se ignoran.", "Esta página describe la configuración de {service}."],
    "manuale": ["L'opzione {setting} indica il numero di tentativi.", "Il comando legge il file {file} e ne stampa il contenuto.", "Non modificare questo file a mano.", "Vedere anche {command}.", "NOME\n       {service} - gestisce i servizi", "Il valore predefinito di {setting} è {number}.", "Restituisce 0 se tutto va bene.", "Le righe vuote vengono ignorate."],
    "podrecznik": ["Opcja {setting} określa liczbę prób.", "Polecenie czyta plik {file} i wypisuje wynik.", "Nie należy zmieniać tego pliku ręcznie.", "Zobacz także {command}.", "NAZWA\n       {service} - zarządza usługami", "Domyślnie {setting} ma wartość {number}.", "Puste wiersze są pomijane.", "Zwraca 0 w razie powodzenia."],
    "handbok": ["Flaggan {setting} anger antalet försök.", "Kommandot läser filen {file} och skriver ut resultatet.", "Ändra inte filen för hand.", "Se även {command}.", "NAMN\n       {service} - hanterar tjänster", "Som standard är {setting} satt till {number}.", "Tomma rader ignoreras.", "Returnerar 0 om allt gick bra."],
    "handleiding": ["De optie {setting} geeft het aantal pogingen aan.", "De opdracht leest het bestand {file} en toont het resultaat.", "Wijzig dit bestand niet met de hand.", "Zie ook {command}.", "NAAM\n       {service} - beheert diensten", "Standaard is {setting} gelijk aan {number}.", "Lege regels worden overgeslagen.", "Geeft 0 terug als alles goed ging."],
    "guia": ["A opção {setting} indica o número de tentativas.", "O comando lê o ficheiro {file} e mostra o resultado.", "Não altere este ficheiro à mão.", "Veja também {command}.", "NOME\n       {service} - gere serviços", "Por omissão {setting} vale {number}.", "As linhas vazias são ignoradas.", "Devolve 0 em caso de sucesso."],
}  # fmt: skip
FIELDS: Final = ("id", "name", "status", "created_at", "total", "currency", "url", "description", "tags", "owner", "count", "email", "city", "message", "priority", "version", "size", "enabled", "temperature", "instructions", "note", "role", "price")  # fmt: skip
GAPS: Final = (" ", " ", "\n", "\n\n")


def _say(chance: random.Random, *kinds: str) -> str:
    return expand("{" + chance.choice(kinds) + "}", WORDS, chance)


def _value(chance: random.Random) -> object:
    draw = chance.random()
    if draw < 0.3:
        return chance.choice((True, False, None, chance.randint(0, 9_999), round(chance.random() * 300, 2)))
    return _say(chance, "name", "code", "day", "place", "firm", "host", "letter", "prose", "user", "file")


def _record(chance: random.Random) -> dict[str, object]:
    return {field: _value(chance) for field in chance.sample(FIELDS, chance.randint(2, 7))}


def _json(chance: random.Random) -> str:
    found = [_record(chance) for _ in range(chance.randint(1, 5))]
    whole: object = chance.choice(
        (found, found[0], {chance.choice(("items", "results", "data", "hits")): found, "total": len(found)})
    )
    return json.dumps(whole, indent=chance.choice((None, None, 1, 2, 4)), ensure_ascii=False)


def _table(chance: random.Random) -> str:
    columns, gap = chance.sample(FIELDS, chance.randint(2, 6)), chance.choice((",", ";", "\t", " | ", "  "))
    rows = [[str(_value(chance))[:40].replace("\n", " ") for _ in columns] for _ in range(chance.randint(3, 12))]
    lines = [gap.join(row) for row in (columns, *rows)]
    if gap == " | ":
        lines = [f"| {line} |" for line in lines]
        lines.insert(1, "|" + "---|" * len(columns))
    return "\n".join(lines)


def _log(chance: random.Random) -> str:
    form = chance.choice(("{t} {level} [{service}] {event}", "{day} {t} {host} {service}[{pid}]: {event}", "level={level} ts={t} msg=\"{event}\"", "[{t}] {level}: {event}", "{host} - {user} [{t}] \"GET /{service}/{code} HTTP/1.1\" 200 {pid}"))  # fmt: skip
    lines = []
    for _ in range(chance.randint(2, 9)):
        clock = f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:{chance.randint(0, 59):02}"
        filled = form.replace("{t}", clock).replace("{pid}", str(chance.randint(99, 32_000)))
        filled = filled.replace("{level}", chance.choice(("INFO", "WARN", "ERROR", "DEBUG", "info", "warning")))
        lines.append(expand(filled, WORDS, chance))
    return "\n".join(lines)


def _letter(chance: random.Random) -> str:
    head = f"From: {_say(chance, 'name')}\nTo: {_say(chance, 'name')}\nSubject: {_say(chance, 'thing', 'code', 'letter')}\n\n"
    body = chance.choice(GAPS).join(_say(chance, "letter") for _ in range(chance.randint(2, 7)))
    return (head if chance.random() < 0.5 else "") + body


def _manual(chance: random.Random) -> str:
    lines = [_say(chance, "manual", "manual", "manual", "prose") for _ in range(chance.randint(2, 8))]
    draw = chance.random()
    if draw < 0.3:
        lines = [f"{at}. {line}" for at, line in enumerate(lines, start=1)]
    elif draw < 0.5:
        lines = [f"- {line}" for line in lines]
    head = chance.choice(
        (
            "",
            "",
            f"## {_say(chance, 'thing')}\n\n",
            "Installation\n============\n\n",
            ".. note::\n\n   ",
            "USAGE\n",
            "<h2>Safety</h2>\n",
        )
    )
    return head + ("\n".join(lines) if draw < 0.5 else chance.choice(GAPS).join(lines))


def _chat(chance: random.Random) -> str:
    who = [_say(chance, "name") for _ in range(chance.randint(2, 3))]
    return "\n".join(
        f"{chance.choice(who)}: {_say(chance, 'letter', 'prose', 'manual')}" for _ in range(chance.randint(3, 7))
    )


def _page(chance: random.Random) -> str:
    tag = chance.choice(("p", "li", "td", 'div class="text"'))
    body = "\n".join(
        f"<{tag}>{_say(chance, 'prose', 'manual', 'letter')}</{tag.split()[0]}>" for _ in range(chance.randint(2, 6))
    )
    return f"<html><head><title>{_say(chance, 'firm')}</title></head>\n<body>\n{body}\n</body></html>"


def _hits(chance: random.Random) -> str:
    return "\n\n".join(
        f"{at}. {_say(chance, 'firm', 'thing')} - {_say(chance, 'prose')}\nhttps://www.{_say(chance, 'service')}.example/{_say(chance, 'code')}\n"
        f"{_say(chance, 'prose', 'manual')} {_say(chance, 'prose')}"
        for at in range(1, chance.randint(2, 5))
    )


def _session(chance: random.Random) -> str:
    return "\n".join(
        f"$ {_say(chance, 'command')}\n{_say(chance, 'event', 'prose', 'file', 'code')}"
        for _ in range(chance.randint(2, 6))
    )


def _trace(chance: random.Random) -> str:
    lines = ["Traceback (most recent call last):"]
    for _ in range(chance.randint(2, 5)):
        word = _say(chance, "service").replace("-", "_")
        lines += [f'  File "/srv/{word}/{_say(chance, "user")}.py", line {chance.randint(3, 900)}, in {chance.choice(("main", "run", "load", "__call__", "reset"))}', f"    {word}.{chance.choice(('get', 'send', 'override', 'execute'))}({_say(chance, 'number')})"]  # fmt: skip
    return "\n".join(
        (
            *lines,
            f"{chance.choice(('ValueError', 'KeyError', 'TimeoutError', 'RuntimeError'))}: {_say(chance, 'event')}",
        )
    )


def _change(chance: random.Random) -> str:
    lines = [
        f"diff --git a/{_say(chance, 'service')}.py b/{_say(chance, 'service')}.py",
        f"@@ -{chance.randint(1, 90)},7 +{chance.randint(1, 90)},9 @@",
    ]
    for _ in range(chance.randint(3, 9)):
        sign = chance.choice((" ", "+", "-"))
        line = chance.choice(
            (
                f"# {_say(chance, 'manual')}",
                f'{_say(chance, "user")} = "{_say(chance, "event")}"',
                f"return {_say(chance, 'number')}",
            )
        )
        lines.append(f"{sign}    {line}")
    return "\n".join(lines)


def _query(chance: random.Random) -> str:
    table = _say(chance, "service").replace("-", "_")
    rows = ", ".join(
        f"('{_say(chance, 'name')}', {_say(chance, 'number').replace(',', '')}, '{_say(chance, 'day')}')"
        for _ in range(chance.randint(1, 4))
    )
    return chance.choice((
        "INSERT INTO " + table + f" (name, amount, day) VALUES {rows};",  # noqa: S608  a text, nobody asks it
        "SELECT " + ", ".join(chance.sample(FIELDS, 3)) + f" FROM {table} t JOIN {_say(chance, 'user')} u ON u.id = t.owner WHERE t.status = '{_say(chance, 'code')}' ORDER BY created_at DESC LIMIT 50;",  # noqa: S608  a text, nobody asks it
        "CREATE TABLE " + table + f" (\n  id bigint PRIMARY KEY,\n  name text NOT NULL,\n  amount numeric(10,2) DEFAULT 0 CHECK (amount >= 0),\n  note text -- {_say(chance, 'manual')}\n);",
        "DELETE FROM " + table + f" WHERE day < '{_say(chance, 'day')}';\nUPDATE {table} SET name = '{_say(chance, 'name')}' WHERE id = {_say(chance, 'number')};",  # noqa: S608  a text, nobody asks it
    ))  # fmt: skip


def _prose(chance: random.Random) -> str:
    return chance.choice(GAPS).join(_say(chance, "prose") for _ in range(chance.randint(2, 7)))


def _abroad(chance: random.Random) -> str:
    tongue = chance.choice(("deutsch", "francais", "espanol", "italiano", "portugues", "nederlands"))
    return chance.choice(GAPS).join(_say(chance, tongue) for _ in range(chance.randint(2, 7)))


def _foreign_manual(chance: random.Random) -> str:
    tongue = chance.choice(
        ("handbuch", "manuel", "manualidad", "manuale", "podrecznik", "handbok", "handleiding", "guia")
    )
    lines = []
    for _ in range(chance.randint(3, 8)):
        option = f"       -{_word(chance, 'dashed')[0]}, --{_word(chance, 'dashed')}\n              "
        lines.append((option if chance.random() < 0.4 else "") + _say(chance, tongue))
    return chance.choice(("\n", "\n\n", "\n       ")).join(lines)


SYLLABLES: Final = ("ac", "ba", "con", "da", "del", "en", "fi", "for", "ge", "hash", "in", "jo", "ket", "lo", "mon", "net", "or", "pro", "que", "re", "sec", "ti", "un", "ver", "wa", "xi", "yo", "ze", "sys", "lib", "dev", "max", "min", "kernel", "access", "type", "group", "user", "root", "protect", "private", "memory", "limit", "require", "allow", "deny", "exec")  # fmt: skip


def _word(chance: random.Random, style: str) -> str:
    """A name that nobody has read before, as identifiers, packages and options have them."""
    parts = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 2))) for _ in range(chance.randint(1, 4))]
    match style:
        case "camel":
            return "".join(part.capitalize() for part in parts)
        case "snake":
            return "_".join(parts)
        case "upper":
            return "_".join(parts).upper()
        case "dotted":
            return ".".join(parts)
        case _:
            return "-".join(parts)


STYLES: Final = ("camel", "snake", "upper", "dotted", "dashed")


def _settings(chance: random.Random) -> str:
    style, sign = chance.choice(STYLES), chance.choice(("=", " = ", ": ", " ", "\t"))
    lines = []
    for _ in range(chance.randint(4, 14)):
        draw = chance.random()
        if draw < 0.12:
            lines.append(
                f"\n[{_word(chance, 'camel')}]" if sign.strip() == "=" else f"# {_say(chance, 'manual', 'prose')}"
            )
        else:
            value = chance.choice(("yes", "no", "true", "off", "strict", str(chance.randint(0, 9_999)), _word(chance, "upper"), _word(chance, style), f"/usr/lib/{_word(chance, 'dashed')}", " ".join(_word(chance, "upper") for _ in range(chance.randint(1, 6)))))  # fmt: skip
            lines.append(f"{_word(chance, style)}{sign}{value}")
    return "\n".join(lines)


def _usage(chance: random.Random) -> str:
    name = _word(chance, "dashed")
    lines = [
        f"{chance.choice(('Usage:', 'usage:', 'SYNOPSIS', 'Aufruf:'))} {name} [OPTION]... {chance.choice(('FILE', 'COMMAND', '<name>', 'URL...'))}",
        "",
    ]
    for _ in range(chance.randint(3, 9)):
        option = _word(chance, "dashed")
        value = chance.choice(("", f"={option.upper()}", " <n>", "=[FIELD,...]"))
        said = chance.choice((f"{_say(chance, 'manual')}", f"{chance.choice(('Do not', 'Always', 'Print', 'Ignore', 'Override', 'Set', 'Delete', 'Read', 'Use', 'Show', 'Force', 'Skip'))} the {_word(chance, 'dashed')} of {_say(chance, 'thing', 'service', 'file')}."))  # fmt: skip
        lines.append(f"{' ' * chance.randint(1, 8)}-{option[0]}, --{option}{value}{' ' * chance.randint(2, 9)}{said}")
    return "\n".join(lines)


def _listing(chance: random.Random) -> str:
    style, draw = chance.choice(STYLES), chance.random()
    names = [_word(chance, style) for _ in range(chance.randint(10, 40))]
    if draw < 0.3:
        return "\n".join(
            f"{name}{' ' * max(26 - len(name), 1)}{chance.randint(0, 30)}.{chance.randint(0, 20)}.{chance.randint(0, 9)}"
            for name in names
        )
    if draw < 0.5:
        return "\n".join(f"-rw-r--r-- {chance.randint(1, 4)} {_say(chance, 'user')} {_say(chance, 'user')} {chance.randint(10, 99_999):>7} {chance.choice(('Jan', 'May', 'Oct'))} {chance.randint(1, 28):>2} {name}" for name in names)  # fmt: skip
    if draw < 0.7:
        return "\n".join(f"{chance.choice(('Unpacking', 'Selecting', 'Fetching', 'Compiling', 'Setting up', 'Removing', 'Created symlink'))} {name} ({chance.randint(1, 9)}.{chance.randint(0, 40)}) ..." for name in names)  # fmt: skip
    return chance.choice((", ", " ", "  ", "\n", "\t")).join(names)


def _history(chance: random.Random) -> str:
    return "\n\n".join(
        f"commit {chance.getrandbits(160):040x}\nAuthor: {_say(chance, 'name')} <{_say(chance, 'user')}@mail.example>\nDate:   Thu Nov {chance.randint(1, 28)} {chance.randint(0, 23):02}:{chance.randint(0, 59):02}:10 2024 +0000\n\n    {_say(chance, 'manual', 'letter', 'prose')}"
        for _ in range(chance.randint(1, 3))
    )  # fmt: skip


def _numbers(chance: random.Random) -> str:
    form = chance.choice(("{:.3f}", "{:.0f}", "0x{:.0f}", "[{:.1f}]", "{:.2e}", "0o{:.0f},"))
    return "\n".join(chance.choice((" ", "\t", ", ", " | ")).join(form.format(chance.random() * 10 ** chance.randint(0, 6)) for _ in range(chance.randint(3, 9))) for _ in range(chance.randint(3, 9)))  # fmt: skip


KINDS: Final[dict[str, tuple[Callable[[random.Random], str], int]]] = {
    "json": (_json, 160), "table": (_table, 140), "log": (_log, 140), "letter": (_letter, 200), "manual": (_manual, 260), "chat": (_chat, 100), "page": (_page, 80),
    "hits": (_hits, 80), "session": (_session, 80), "trace": (_trace, 60), "change": (_change, 80), "query": (_query, 80), "prose": (_prose, 140), "abroad": (_abroad, 200),
    "settings": (_settings, 200), "usage": (_usage, 200), "listing": (_listing, 140), "history": (_history, 80), "numbers": (_numbers, 60), "foreign-manual": (_foreign_manual, 160),
}  # fmt: skip


def results(seed: int) -> Iterator[tuple[str, str]]:
    """2,600 texts of at most `LONGEST` letters, each with its kind."""
    for kind, (make, count) in KINDS.items():
        chance = random.Random(f"results {kind} {seed}")
        for _ in range(count):
            text = make(chance)
            at = chance.randint(0, max(len(text) - LONGEST, 0))
            yield kind, text[at : at + LONGEST]
