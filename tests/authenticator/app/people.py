"""A person with an ordinary browser, over HTTP, before a real server."""

import re
import time
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import httpx2 as httpx
import pyotp

PASSWORD = "analytical-engine-1843"
SECRET = "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"


@dataclass
class Person:
    server: str
    username: str
    cookies: dict[str, str] = field(default_factory=dict)
    last_step: int = 0

    def get(self, url: str) -> httpx.Response:
        return self._send("GET", url)

    def post(self, url: str, form: dict[str, str]) -> httpx.Response:
        return self._send("POST", url, form)

    def sign_in(self) -> httpx.Response:
        self.post("/sign-in", {"username": self.username})
        self.post("/sign-in/password", {"password": PASSWORD})
        return self.post("/sign-in/code", {"code": self.fresh_code()})

    def fresh_code(self) -> str:
        """Each is taken once, and later ones alone. A server takes those of the steps before and after as well
        (RFC 6238 §5.2), so that three sign-ins in a row wait for nothing."""
        totp = pyotp.TOTP(SECRET)
        while True:
            now = int(time.time()) // totp.interval
            step = max(now - 1, self.last_step + 1)
            if step <= now + 1:
                self.last_step = step
                return totp.generate_otp(step)
            time.sleep(0.5)

    def allow(self, url: str, decision: str = "continue") -> httpx.Response:
        """Opens an application's authorization request, and answers it; the application's own page, in the end."""
        response = self._follow(self.get(url))
        where = str(response.url)
        if urlsplit(where).path.startswith("/sign-in"):
            response = self._follow(self.sign_in())
            where = str(response.url)
        account = re.search(r'name="account" value="([^"]+)"', response.text)
        assert account, response.text
        return self._follow(self.post(where, {"decision": decision, "account": account[1]}))

    def ask_for_approval(self) -> str:
        """The number on the sign-in page."""
        self.post("/sign-in", {"username": self.username})
        self.post("/sign-in/password", {"password": PASSWORD})
        page = self._follow(self.post("/sign-in/method", {"method": "authenticator"}))
        return self.number_on(page)

    def number_on(self, page: httpx.Response) -> str:
        found = re.search(r'class="[^"]*number[^"]*"[^>]*>\s*(?:<[^>]+>\s*)*(\d\d)\s*<', page.text)
        assert found, page.text
        return found[1]

    def _follow(self, response: httpx.Response) -> httpx.Response:
        while response.status_code == 303:
            response = self.get(urljoin(str(response.url), response.headers["location"]))
        return response

    def _send(self, verb: str, url: str, form: dict[str, str] | None = None) -> httpx.Response:
        url = urljoin(self.server, url)
        is_ours = url.startswith(self.server)
        headers = {"accept": "text/html", "user-agent": "Mozilla/5.0 (X11; Linux x64) Chrome/156.0.0.0"}
        if is_ours:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if verb == "POST":
            headers |= {"sec-fetch-site": "same-origin", "origin": self.server}
        with httpx.Client() as client:
            response = client.request(verb, url, headers=headers, data=form)
        for line in response.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            if "Max-Age=0" in rest:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = rest.partition(";")[0]
        return response
