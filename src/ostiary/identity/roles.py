"""The roles there are. What each may do is decided where it is used; nobody may do anything without one."""

from enum import StrEnum


class Role(StrEnum):
    GLOBAL_ADMINISTRATOR = "global_administrator"
    AUTHENTICATION_POLICY_ADMINISTRATOR = "authentication_policy_administrator"
    AUTHENTICATION_ADMINISTRATOR = "authentication_administrator"
    PRIVILEGED_AUTHENTICATION_ADMINISTRATOR = "privileged_authentication_administrator"
    HELPDESK = "helpdesk"
    GLOBAL_READER = "global_reader"
