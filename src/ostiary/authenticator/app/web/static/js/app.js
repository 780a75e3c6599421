// @ts-check
// What pages do beyond plain forms. Every page works without it, but for pictures and the clipboard.

import "/static/js/fields.js";
import "./copying.js";
import "./countdown.js";
import "./forms.js";
import "./live.js";
import "./pictures.js";
import "./sheet.js";
import "./strength.js";
