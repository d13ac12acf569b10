"""`pii`: personal data and secrets, by form and check digits, without any model.

| entity | what is found |
|---|---|
| `CreditCard` | 12 to 19 digits in an issuer's range with a right Luhn digit, together or grouped as cards print them |
| `IBAN` | a country's length and structure, check digits mod 97, together or in groups |
| `Email` | `local@domain`, in any script |
| `Phone` | international numbers; national ones by their grouping or by a word such as *call* beside them |
| `IPAddress` | version 4 and 6, but for loopback and unspecified addresses and version numbers |
| `NationalID` | identity, social security and tax numbers of persons, checked by python-stdnum, of `countries` |
| `Secret` | keys in the form of some fifty issuers, private keys, JSON Web Tokens; values named as a secret that look random |
| `CryptoAddress` | Base58Check and Bech32 with right check sums; Ethereum's form |
| `URLCredentials` | `scheme://user:password@host` |

* Matches at `least` findings of all `entities` together.
* `counts`: findings by entity, 0 for those that were not found; `count`: their sum; `labels`: entities found, in the
  policy's order; `label`: the first of them. Text itself is never recorded.
* By default all text of the request is read (`scope: Conversation`), tool definitions and documents among it: a rule
  that keeps data in wants to see all that would leave.
* Unknown: nothing found in a text over 1 MiB (first and last half are read), in one that cannot be read (token ids),
  or where the decision's time ends first: 1 MB takes some tens of milliseconds.
* Numbers of these countries are known: AR, AT, AU, BE, BG, BR, CA, CH, CL, CN, CO, CU, CZ, DE, DK, DO, EC, EE, ES, FI,
  FR, GB, GR, HR, ID, IE, IL, IN, IS, IT, JP, KR, LT, LV, MD, MU, MX, MY, NL, NO, NZ, PE, PK, PL, PT, RO, RU, SE, SI, SK,
  TH, TR, UA, US, VE, ZA. One that could be any number (nine digits) wants a word of its country before it (*SSN*, *BSN*).
* Digits of Arabic, Persian, Devanagari, Bengali and full-width scripts, and spaces and hyphens of print, count as ASCII's.
* Names, addresses and dates of birth need a model and are not found.
"""

from forebay_decision.signals.pii.detector import PiiDetector

__all__ = ["PiiDetector"]
