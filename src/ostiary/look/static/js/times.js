// @ts-check
// Moves the times the server wrote in UTC into the reader's own time zone. Words already right are left alone.

const language = document.documentElement.lang;
const locale = language === "en" ? "en-GB" : `${language}-u-nu-latn`; // the digits the server writes
const exact = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

const utcDay = (date) => Math.floor(date.getTime() / 86_400_000);
const localDay = (date) => utcDay(new Date(date.getTime() - date.getTimezoneOffset() * 60_000));

function dayInWords(at, now, days) {
  if (days >= 0 && days < 7) return relative.format(-days, "day");
  const form = { day: "numeric", month: "short" };
  if (days >= 300) form.year = "numeric";
  return new Intl.DateTimeFormat(locale, form).format(at);
}

const now = new Date();
for (const time of document.querySelectorAll("time[data-when]")) {
  const at = new Date(time.dateTime);
  time.title = exact.format(at);
  if (time.dataset.when === "exact") {
    time.textContent = time.title;
  } else if (time.dataset.when === "day") {
    const days = localDay(now) - localDay(at);
    const sameDay = days < 7 ? days === utcDay(now) - utcDay(at) : localDay(at) === utcDay(at);
    if (!sameDay) time.textContent = dayInWords(at, now, days);
  }
}
