"""A mail server that takes notices."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING, Sequence

from cicd import config
from cicd.errors import ConfigError, ReceiverBusy, ReceiverError
from cicd.notice_targets import IMPLICIT, STARTTLS, NoticeTarget
from cicd.sanitize import beginning

if TYPE_CHECKING:
    import smtplib
    from email.message import EmailMessage

TIMEOUT_SECONDS = 10
TAKING_SECONDS = 60  # many servers look for spam before they say that they have a mail
RETRY_SECONDS = 60.0
SUBJECT_CHARACTERS = 150


def send(target: NoticeTarget, lines: Sequence[str], link: str, identifier: str) -> None:
    """
    Send *lines* and *link* to the recipients of *target*; the first line is the subject, too.

    A mail that is sent twice has the same *identifier*. ReceiverBusy when it is worth another try;
    ReceiverError when the server refuses this mail for good, or took it for some of the recipients only.
    """
    import smtplib  # few actions send mail

    password = config.secret(target.password_file)
    try:
        with closing(_connected(target)) as server:
            if target.user:
                _login(server, target, password)
            if server.sock:
                server.sock.settimeout(TAKING_SECONDS)
            refused = server.send_message(message(target, lines, link, identifier))
            with suppress(OSError):  # it has the mail, whatever it says now
                server.quit()
    except smtplib.SMTPDataError as error:
        if error.smtp_code >= 500:
            raise ReceiverError(f"{target.server} refused a mail: {error.smtp_code}.") from None
        raise _busy(target, str(error.smtp_code)) from None
    except smtplib.SMTPResponseException as error:
        raise _busy(target, str(error.smtp_code)) from None
    except (OSError, UnicodeError) as error:  # smtplib's own are OSErrors; a host's name can be none
        raise _busy(target, type(error).__name__) from None
    if refused:  # the others have it, and would have it twice
        codes = ", ".join(f"{one} ({code})" for one, (code, _) in sorted(refused.items()))
        raise ReceiverError(
            f"{target.server} did not accept a mail for {codes}; the other recipients have it."
        )


def message(target: NoticeTarget, lines: Sequence[str], link: str, identifier: str) -> EmailMessage:
    """Return the mail; a header is one line, whatever its text has."""
    from email.message import EmailMessage
    from email.policy import SMTP
    from email.utils import formatdate

    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = beginning(lines[0], SUBJECT_CHARACTERS)
    mail["From"] = target.sender
    mail["To"] = ", ".join(target.recipients)
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{identifier}@{target.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n".join([*lines, *([link] if link else [])]) + "\n")
    return mail


def _connected(target: NoticeTarget) -> smtplib.SMTP:
    import smtplib
    import ssl

    host, _, port = target.server.partition(":")
    if target.tls == IMPLICIT:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, int(port), timeout=TIMEOUT_SECONDS, context=context)
    server = smtplib.SMTP(host, int(port), timeout=TIMEOUT_SECONDS)
    if target.tls == STARTTLS:
        server.starttls(context=ssl.create_default_context())
    return server


def _login(server: smtplib.SMTP, target: NoticeTarget, password: str) -> None:
    try:
        server.login(target.user, password)
    except UnicodeEncodeError:
        raise ConfigError(
            f"The login at {target.server} has characters that are not ASCII, which no mail server accepts.",
            f"Give `user` another password, and write it to {target.password_file}.",
        ) from None


def _busy(target: NoticeTarget, why: str) -> ReceiverBusy:
    return ReceiverBusy(f"The mail server {target.server} did not accept the mail ({why}).", RETRY_SECONDS)
