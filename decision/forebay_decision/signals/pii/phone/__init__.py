"""Phone numbers, by how they are written and by the words around them.

Without a word: international (`+` or `00`, a country's calling code, 8 to 15 digits), North American (3-3-4), a trunk
`0` before two groups or more, an area code in parentheses. With a word such as *phone*, *call* or *fax* just before or
after: any 7 to 13 digits in the groups that phone numbers have. Dates, decimal numbers, addresses of machines, cards
and social security numbers are none. The rules are checked against libphonenumber's example numbers of all countries
by a test; asking it here would take a hundred times as long (0.8 ms for 2 kB).
"""

from forebay_decision.signals.pii.phone.forms import CALLING_CODES, find_phones

__all__ = ["CALLING_CODES", "find_phones"]
