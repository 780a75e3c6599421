"""A user agent, as coarsely as we keep it: `Chrome/Windows`. For words in lists, never for decisions."""

_BROWSERS = (  # the first mark found counts: many agents name others they resemble
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrom", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


def coarse_client(user_agent: str) -> str:
    """`browser/system`; either may be empty."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser}/{system}"


def split_client(client: str) -> tuple[str, str]:
    """(browser, system) of what `coarse_client` made; a client that is not a browser is its own name."""
    browser, slash, system = client.partition("/")
    return (browser, system) if slash else (client, "")
