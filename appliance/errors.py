"""The error tree.

::

    ApplianceError                what the appliance raises on purpose; the text is for its user
    ├── SettingsError             a setting is missing or wrong                               exit 2
    ├── SiteError                 a site file is wrong; carries every finding                 exit 3
    ├── FlowError                 a flow is wrong, or not there; carries every fault          exit 3
    ├── InvalidNumber             not a telephone number of the kind asked for                exit 3
    ├── TemplateError             a text has a place for a value that there is not            exit 3
    ├── StoreError                the database is not ours, too old, too new or full          exit 4
    ├── MediaError                a prompt or recording is missing or unreadable              exit 5
    ├── RatingError               a price book or a call cannot be priced                     exit 6
    ├── LedgerError               a booking is refused, or the ledger is not in order        exit 9
    ├── DoctorError               a check of the running switch failed                        exit 7
    ├── RuleError                 a programming fault in the rules (unknown state, event)     exit 70
    └── SwitchError               the switch's fault, not ours                                exit 8
        ├── SwitchGone            the connection to the switch closed
        ├── SwitchTimeout         the switch did not answer in time
        ├── SwitchRefused         the switch answered -ERR
        ├── UnsafeArgument        a value may not stand in a switch command
        └── CallerGone            the caller hung up: ends a call, is never reported

Only the command line turns an error into an exit code; a traceback is a bug.
"""

from __future__ import annotations


class ApplianceError(Exception):
    """Base of every error the appliance raises on purpose. ``exit_code`` is the command line's."""

    exit_code = 1


class SettingsError(ApplianceError):
    """A setting is missing, unknown or wrong."""

    exit_code = 2


class SiteError(ApplianceError):
    """A site file is wrong. ``findings`` holds one line for each fault, ``FILE:LINE: FIELD: what``."""

    exit_code = 3

    def __init__(self, findings: list[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = findings


class FlowError(ApplianceError):
    """A flow is wrong, is not there, or cannot be published so. ``findings`` holds a line for each fault."""

    exit_code = 3

    def __init__(self, findings: list[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = findings


class InvalidNumber(ApplianceError):
    """A text is not a telephone number of the kind asked for."""

    exit_code = 3


class TemplateError(ApplianceError):
    """A text has a place (``{name}``) for a value that there is not."""

    exit_code = 3


class StoreError(ApplianceError):
    """The database is not ours, of another version, locked, or the disk is full."""

    exit_code = 4


class MediaError(ApplianceError):
    """A prompt or a recording is missing or cannot be read."""

    exit_code = 5


class RatingError(ApplianceError):
    """A price book is wrong, or no price holds for a call."""

    exit_code = 6


class LedgerError(ApplianceError):
    """A booking may not be made so, or the ledger does not agree with itself or with the charges."""

    exit_code = 9


class DoctorError(ApplianceError):
    """A check of the running switch failed; the text says what is wrong and what to do."""

    exit_code = 7


class RuleError(ApplianceError):
    """A rule was asked something its tables do not hold: a fault of ours."""

    exit_code = 70


class SwitchError(ApplianceError):
    """The switch's fault, or the line's to it."""

    exit_code = 8


class SwitchGone(SwitchError):
    """The connection to the switch closed."""


class SwitchTimeout(SwitchError):
    """The switch did not answer within the time given."""


class SwitchRefused(SwitchError):
    """The switch answered ``-ERR``."""


class UnsafeArgument(SwitchError):
    """A value holds characters that mean something to the switch; nothing was sent."""


class CallerGone(SwitchError):
    """The caller's leg is gone. Raised by every verb of a leg, caught once, at the top of a call."""
