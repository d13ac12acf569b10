"""Secrets: keys whose issuer gave them a form of their own, and values that are named as a secret and look random.

A value that stands behind `password`, `api_key`, `token` and the like counts when it has at least 8 letters, digits
or signs among letters, and at least 2.5 bits of entropy a letter: a repeated word stays below. Names of variables,
references such as `${TOKEN}`, calls and placeholders such as `your-key-here` are none.

Each form is an automaton of its own, without upper bounds: one of all of them, which counts to 1,000 in many places at
once, makes a new state of nearly every letter of a text that is written for it, and takes seconds for 8 kB.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from math import log2
from typing import Final

from forebay_decision.signals.pii.finding import touches_word
from forebay_decision.signals.regex import compile_linear

FORMS: Final = (
    r"(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA)[A-Z2-7]{16}",  # Amazon Web Services
    r"gh[pousr]_[A-Za-z0-9]{36,251}",  # GitHub
    r"github_pat_[A-Za-z0-9_]{22,255}",
    r"gl(?:pat|ptt|rt|dt|soat|cbt|agent|oas)-[A-Za-z0-9_.=-]{20,128}",  # GitLab
    r"xox[abeoprs]-[A-Za-z0-9-]{10,250}",  # Slack
    r"xapp-[0-9]-[A-Z0-9]+-[0-9]+-[A-Za-z0-9]+",
    r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9+/]{40,80}",
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,247}",  # Stripe
    r"whsec_[A-Za-z0-9+/=]{24,128}",
    r"sk-(?:ant-|proj-|svcacct-|admin-|or-v1-|lf-)?[A-Za-z0-9_-]{20,255}",  # OpenAI, Anthropic, OpenRouter
    r"AIza[A-Za-z0-9_-]{35}",  # Google
    r"GOCSPX-[A-Za-z0-9_-]{28}",
    r"ya29\.[A-Za-z0-9_-]{20,512}",
    r"hf_[A-Za-z0-9]{30,64}",  # Hugging Face
    r"(?:gsk|xai|pplx|csk|nvapi|r8|tgp_v1)[-_][A-Za-z0-9_-]{30,200}",  # Groq, xAI, Perplexity, Cerebras, NVIDIA
    r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",  # SendGrid
    r"(?:SK|AC)[0-9a-f]{32}",  # Twilio
    r"key-[0-9a-f]{32}",  # Mailgun
    r"xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}",  # Brevo
    r"[0-9a-f]{32}-us[0-9]{1,2}",  # Mailchimp
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-AgE[A-Za-z0-9_-]{50,512}",
    r"rubygems_[0-9a-f]{48}",
    r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{27,64}",  # Docker
    r"do[opr]_v1_[0-9a-f]{64}",  # DigitalOcean
    r"dapi[0-9a-f]{32}(?:-[0-9])?",  # Databricks
    r"sh(?:pat|pca|ppa|pss)_[0-9a-fA-F]{32}",  # Shopify
    r"sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,43}",  # Square
    r"EAA[A-Za-z0-9]{60,250}",  # Meta
    r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}",  # Telegram
    r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}",  # Discord
    r"lin_api_[A-Za-z0-9]{40}",  # Linear
    r"(?:secret|ntn)_[A-Za-z0-9]{43,50}",  # Notion
    r"ATATT3[A-Za-z0-9_=-]{50,255}",  # Atlassian
    r"hv[sbr]\.[A-Za-z0-9_-]{20,300}",  # HashiCorp Vault
    r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,70}",  # Terraform Cloud
    r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9.]{40,64}",  # Doppler
    r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,64}",  # PlanetScale
    r"gl(?:sa|c)_[A-Za-z0-9+/_=]{32,400}",  # Grafana
    r"NRAK-[A-Z0-9]{27}",  # New Relic
    r"sntry[su]_[A-Za-z0-9+/=_]{40,255}",  # Sentry
    r"sbp_[0-9a-f]{40}",  # Supabase
    r"tskey-[a-z]+-[A-Za-z0-9]+-[A-Za-z0-9]{20,64}",  # Tailscale
    r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
    r"ops_eyJ[A-Za-z0-9+/=_-]{100,1000}",  # 1Password
    r"figd_[A-Za-z0-9_-]{40,64}",  # Figma
    r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}",  # Postman
    r"eyJ[A-Za-z0-9_-]{10,1000}\.eyJ[A-Za-z0-9_-]{10,1000}\.[A-Za-z0-9_-]{10,1000}",  # JSON Web Tokens
    r"AccountKey=[A-Za-z0-9+/]{86}==",  # Azure Storage
    r"sv=20[0-9]{2}-[0-9]{2}-[0-9]{2}&[^\s\"']{20,500}sig=[A-Za-z0-9%+/=]{43,120}",
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----",
)
"""Forms of keys, one issuer or kind each."""
_SIGNS: Final = compile_linear(
    r"AKIA|ASIA|AROA|AIDA|AGPA|ANPA|gh[pousr]_|github_pat_|gl(?:pat|ptt|rt|dt|soat|cbt|agent|oas)-|xox[abeoprs]-|xapp-"
    r"|hooks\.slack|[srp]k_(?:live|test)_|whsec_|sk-|AIza|GOCSPX-|ya29\.|hf_|(?:gsk|xai|pplx|csk|nvapi|r8|tgp_v1)[-_]"
    r"|SG\.|(?:SK|AC)[0-9a-f]|key-[0-9a-f]|xkeysib-|-us[0-9]|npm_|pypi-AgE|rubygems_|dckr_|do[opr]_v1_|dapi[0-9a-f]"
    r"|sh(?:pat|pca|ppa|pss)_|sq0|EAA|:AA|\.[A-Za-z0-9_-]{6}\.|lin_api_|secret_|ntn_|ATATT3|hv[sbr]\.|atlasv1"
    r"|dp\.|pscale_|gl(?:sa|c)_|NRAK-|sntry[su]_|sbp_|tskey-|AGE-SECRET|eyJ|figd_|PMAK-|AccountKey=|sv=20|-----BEGIN"
)
"""Something of each form. Few texts have any, and are done with one look."""
_BOUNDED: Final = re.compile(r"(\[(?:\\.|[^\]\\])+\])\{(\d+),(\d+)\}")
_FEW: Final = 8
"""Steps between two bounds that an automaton may count."""


def _unbounded(form: str) -> str:
    """The form with ``[...]{20,255}`` as ``[...]{20}[...]*``."""

    def opened(match: re.Match[str]) -> str:
        letters, least, most = match[1], int(match[2]), int(match[3])
        return match[0] if most - least <= _FEW else f"{letters}{{{least}}}{letters}*"

    return _BOUNDED.sub(opened, form)


_KEYS: Final = tuple((compile_linear(_unbounded(form)), re.compile(form.encode())) for form in FORMS)
"""What finds a form, and what then says whether it is one within its bounds."""
_NAMED: Final = compile_linear(
    r"(?:bearer|basic)\s+([A-Za-z0-9+/._~=-]{16,500})|(?:passw(?:or)?d|passphrase|passwd|pwd|secret|token|api[_ -]?key|access[_ -]?key|account[_ -]?key|auth[_ -]?key"
    r"|private[_ -]?key|signing[_ -]?key|encryption[_ -]?key|client[_ -]?secret|credentials?|passwort|kennwort"
    r"|contrase(?:ñ|n)a|mot de passe|senha|wachtwoord|пароль|密码|密碼|パスワード)[\"'`*]{0,3}\]?"
    r"(?: is|=>|:=|\s*[:=：]+|\s+lautet|\s+est|\s+es)\s*[\"'`]?([^\s\"'`,;<>]{8,200})",
    case_sensitive=False,
)
_REFERENCE: Final = re.compile(
    rb"[$%{<(\[]|^(?:process\.|os\.|env[.:]|config\.|self\.|settings\.|vault:|secrets?\.|file:|https?://|\\[nrt])"
    rb"|^[\w.]+\(|\.\.\.|\*\*\*|xxx|^(?:none|null|true|false|undefined|string|required|optional)\b",
    re.IGNORECASE,
)
_PLACEHOLDER: Final = re.compile(
    rb"your|example|placeholder|changeme|change[_-]me|insert|dummy|redacted|masked|hidden|sample|here$", re.IGNORECASE
)
_LEAST_BITS: Final = 2.5
_LEAST_LETTERS: Final = 8
_PATH: Final = re.compile(rb"[A-Za-z_][A-Za-z_.:/-]*|[A-Z_][A-Z0-9_]*|[a-z_]+(?:\.[\w]+)+|[\d_.,:%-]+")
"""Names, paths, and numbers alone: what programs and sentences go on with."""
_CLOSING: Final = b")]}.,;:*`"


def find_secrets(text: bytes) -> Iterator[tuple[int, int]]:
    yield from _keys(text)
    for match in _NAMED.finditer(text):
        start, end = match.span(1 if match[1] is not None else 2)
        if _random(text[start:end]):
            yield start, end


def _keys(text: bytes) -> Iterator[tuple[int, int]]:
    if _SIGNS.search(text) is None:
        return
    for automaton, form in _KEYS:
        for match in automaton.finditer(text):
            start, end = match.span()
            if touches_word(text, start, end) or _PLACEHOLDER.search(text[start:end]):
                continue
            if form.fullmatch(text, start, end):
                yield start, end


def _random(value: bytes) -> bool:
    value = value.rstrip(_CLOSING)
    if len(value) < _LEAST_LETTERS or _PATH.fullmatch(value):
        return False
    if _REFERENCE.search(value) or _PLACEHOLDER.search(value):
        return False
    return bits_per_letter(value) >= _LEAST_BITS


def bits_per_letter(value: bytes) -> float:
    """Shannon entropy of the letters of `value`, in bits."""
    return sum(-count / len(value) * log2(count / len(value)) for count in Counter(value).values())
