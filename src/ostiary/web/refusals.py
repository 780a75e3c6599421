"""Why a request is refused before any use case sees it."""

from enum import StrEnum


class RequestReason(StrEnum):
    MALFORMED_JSON = "malformed_json"
    MALFORMED_FORM = "malformed_form"
    REQUEST_INVALID = "request_invalid"
    BODY_TOO_LARGE = "body_too_large"
    MEDIA_TYPE_UNSUPPORTED = "media_type_unsupported"
    CROSS_SITE_REQUEST = "cross_site_request"
    PAGE_UNKNOWN = "page_unknown"
    VERB_NOT_ALLOWED = "verb_not_allowed"
    INTERNAL_ERROR = "internal_error"
