"""Settings: typed, from the environment or files, every problem told at once."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from leadintake import create_app
from leadintake.config import sign_in
from leadintake.config.reading import ConfigurationError, complete, read_settings
from leadintake.config.secret import read_or_make_secret
from leadintake.config.settings import Settings

ROOT = Path(__file__).parents[2]
SAFE = {
    "LEADINTAKE_ENVIRONMENT": "production",
    "LEADINTAKE_MAIL_FOLDER": "mail",
    "LEADINTAKE_SECRET_KEY": "s" * 32,
    "LEADINTAKE_PUBLIC_URL": "https://intake.firm.example",
}


def read(**environment: str) -> Settings:
    """The settings from an environment of LEADINTAKE_* variables."""
    return read_settings({f"LEADINTAKE_{name}": value for name, value in environment.items()}, {})[0]


def problems_of(environment: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        read_settings(environment, {})
    return refused.value.problems


def test_nothing_set_is_a_working_configuration():
    assert read() == Settings(MAIL_USE_TLS=True)


def test_values_are_read_by_their_type():
    settings = read(
        MAX_UPLOAD_BYTES="2048", MAIL_USE_SSL="yes", PRACTICE_AREAS="tax, family ,", SECRET_KEY="0" * 40
    )
    assert settings.MAX_UPLOAD_BYTES == 2048
    assert settings.MAIL_USE_SSL is True
    assert settings.MAIL_USE_TLS is False
    assert settings.PRACTICE_AREAS == ["tax", "family"]
    assert settings.SECRET_KEY == "0" * 40


def test_a_value_may_come_from_a_file(tmp_path):
    secret = tmp_path / "mail"
    secret.write_text("hunter two\n")
    assert read(MAIL_PASSWORD_FILE=str(secret), MAIL_USERNAME="firm").MAIL_PASSWORD == "hunter two"


def test_a_value_and_its_file_contradict_each_other(tmp_path):
    environment = {"LEADINTAKE_REDIS_URL": "redis://a", "LEADINTAKE_REDIS_URL_FILE": str(tmp_path)}
    assert problems_of(environment) == [
        "LEADINTAKE_REDIS_URL and LEADINTAKE_REDIS_URL_FILE are both set; keep one of them"
    ]


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path):
    (problem,) = problems_of({"LEADINTAKE_SECRET_KEY_FILE": str(tmp_path / "none")})
    assert problem.startswith("LEADINTAKE_SECRET_KEY_FILE:")


def test_all_problems_are_told_at_once():
    problems = problems_of(
        {
            "LEADINTAKE_ENVIRONMENT": "prod",
            "LEADINTAKE_MAX_UPLOAD_BYTES": "ten",
            "LEADINTAKE_WORKER": "",
            "LEADINTAKE_DATABASE_URL": "oracle://x",
            "LEADINTAKE_RATE_LIMIT_LOGINS": "often",
        }
    )
    told = "\n".join(problems)
    for name in ("ENVIRONMENT", "MAX_UPLOAD_BYTES", "WORKER", "DATABASE_URL", "RATE_LIMIT_LOGINS"):
        assert f"LEADINTAKE_{name}:" in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://u:p@h:notaport/x"),
        ("STORAGE_URL", "ftp://x"),
        ("STORAGE_URL", "file:"),
        ("PUBLIC_URL", "https://firm.example/path"),
        ("PUBLIC_URL", "firm.example"),
        ("MAIL_PORT", "0"),
        ("MAIL_TIMEOUT", "11"),
        ("MAIL_DEFAULT_SENDER", "Firm <a@b.example>"),
        ("MAIL_REPLY_TO", "Firm <a@b.example>"),
        ("MAIL_REDIRECT_TO", "everybody"),
        ("ALERT_REPLY_TO", "attorney"),
        ("BCC_ARCHIVE", "Archive <a@b.example>"),
        ("TRUSTED_PROXIES", "-1"),
        ("DATABASE_POOL_SIZE", "1"),
        ("MAX_UPLOAD_BYTES", "12"),
        ("SESSION_IDLE_MINUTES", "0"),
        ("SESSION_MAX_HOURS", "0"),
        ("MAIL_PASSWORD", "secret"),
        ("RATE_LIMIT_SUBMISSIONS", "x per y"),
        ("EMBED_ORIGINS", "https://firm.example/page"),
        ("RETURN_URL", "javascript:alert(1)"),
        ("RETURN_URL", "https://firm.example/ x"),
        ("MAIL_USE_TLS", "maybe"),
        ("ATTORNEY_VISIBILITY", "some"),
        ("REQUIRE_MFA", "admin, king"),
        ("ASK_PHONE", "always"),
        ("TIMEZONE", "Mars/Base"),
        ("TIMEZONE", "../../etc/passwd"),
        ("PHONE_REGION", "us"),
        ("PHONE_REGION", "XX"),
        ("PHONE_REGION", "Germany"),
        ("INVITATION_HOURS", "0"),
        ("INVITATION_HOURS", "721"),
        ("PASSWORD_RESET_MINUTES", "0"),
        ("PASSWORD_RESET_MINUTES", "1441"),
        ("AUDIT_HEAD_MINUTES", "0"),
        ("AUDIT_HEAD_MAIL", "Archive <a@b.example>"),
    ],
)
def test_a_bad_value_is_named(name, value):
    (problem,) = problems_of({f"LEADINTAKE_{name}": value})
    assert problem.startswith(f"LEADINTAKE_{name}")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MAIL_PORT", "65536", "'65536' is not a whole number from 1 to 65535"),
        ("MAIL_TIMEOUT", "0", "'0' is not a whole number from 1 to 10 (a worker's lease outlasts it)"),
        ("FORM_MIN_SECONDS", "61", "'61' is not a whole number from 0 to 60 (0 switches it off)"),
        ("BODIES_PER_ADDRESS", "-1", "'-1' is not a whole number, 0 or more (0: no limit)"),
        ("CONFIRMATIONS_PER_DAY", "0", "'0' is not a whole number, 1 or more"),
        ("ALERT_LATE_MINUTES", "1441", "'1441' is not a whole number from 1 to 1440"),
        ("MAIL_DEFAULT_SENDER", "", "use one plain e-mail address"),
        ("MAIL_REPLY_TO", "a@b.example\n", "use one plain e-mail address"),
        ("REDIS_URL", "http://a", "use redis://host:port/number"),
        ("ACCENT_COLOR", "blue", "write it as #rrggbb, such as #1f4e8c"),
    ],
)
def test_what_is_allowed_is_told(name, value, told):
    assert problems_of({f"LEADINTAKE_{name}": value}) == [f"LEADINTAKE_{name}: {told}"]


def test_a_problem_does_not_repeat_a_secret():
    (problem,) = problems_of({"LEADINTAKE_PAGERDUTY_ROUTING_KEY": "r0ut1ngkey"})
    assert problem.startswith("LEADINTAKE_PAGERDUTY_ROUTING_KEY: use the 32 letters and digits")
    assert "r0ut1ngkey" not in problem


def test_both_kinds_of_tls_contradict_each_other():
    (problem,) = problems_of({"LEADINTAKE_MAIL_USE_SSL": "1", "LEADINTAKE_MAIL_USE_TLS": "1"})
    assert "switch one of them off" in problem


@pytest.mark.parametrize(
    ("server", "tls"), [("127.0.0.1", False), ("localhost", False), ("mail.example", True)]
)
def test_mail_is_encrypted_unless_the_server_is_on_loopback(server, tls):
    assert read(MAIL_SERVER=server).MAIL_USE_TLS is tls


@pytest.mark.parametrize(
    "address", ["https://intake.firm.example", "https://intake.firm.example:8443", "http://localhost:8000"]
)
def test_passkeys_are_for_pages_that_browsers_trust(address):
    assert read(PASSKEYS="on", PUBLIC_URL=address).PASSKEYS is True


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8000",
        "https://192.0.2.1",
        "https://[2001:db8::1]",
        "http://intake.firm.example",
        "https://intake.firm.example:99999",
    ],
)
def test_passkeys_are_not_for_others(address):
    (problem,) = problems_of({"LEADINTAKE_PASSKEYS": "on", "LEADINTAKE_PUBLIC_URL": address})
    assert problem.startswith("LEADINTAKE_PASSKEYS:")


PROVIDER = {
    "LEADINTAKE_OIDC_ISSUER": "https://login.firm.example/realm",
    "LEADINTAKE_OIDC_CLIENT_ID": "leadintake",
}


@pytest.mark.parametrize(
    "issuer", ["https://login.firm.example", "https://a.example/b/", "http://127.0.0.1:9000"]
)
def test_a_provider_is_reached_over_https_or_on_loopback(issuer):
    assert read(OIDC_ISSUER=issuer, OIDC_CLIENT_ID="x")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"OIDC_ISSUER": "http://login.firm.example"}, "OIDC_ISSUER:"),
        ({"OIDC_ISSUER": "login.firm.example"}, "OIDC_ISSUER:"),
        ({"OIDC_ISSUER": "https://"}, "OIDC_ISSUER:"),
        ({"OIDC_ISSUER": "https://["}, "OIDC_ISSUER:"),
        ({"OIDC_ISSUER": "https://a.example/?x=y"}, "OIDC_ISSUER:"),
        ({"OIDC_ISSUER": "https://user:secret@a.example"}, "OIDC_ISSUER:"),
        ({"OIDC_CLIENT_ID": ""}, "OIDC_ISSUER without OIDC_CLIENT_ID"),
        ({"OIDC_ROLE_CLAIM": "groups"}, "OIDC_ROLE_CLAIM and OIDC_ROLES:"),
        ({"OIDC_ROLES": "partners=admin"}, "OIDC_ROLE_CLAIM and OIDC_ROLES:"),
        ({"OIDC_ROLE_CLAIM": "groups", "OIDC_ROLES": "partners=king"}, "OIDC_ROLES:"),
        ({"OIDC_ROLE_CLAIM": "groups", "OIDC_ROLES": "partners"}, "OIDC_ROLES:"),
        ({"OIDC_ROLE_CLAIM": "groups", "OIDC_ROLES": "=admin"}, "OIDC_ROLES:"),
    ],
)
def test_a_provider_is_set_up_wholly(change, named):
    changed = {f"LEADINTAKE_{name}": value for name, value in change.items()}
    (problem,) = problems_of({**PROVIDER, **changed})
    assert problem.startswith(f"LEADINTAKE_{named}")


def test_roles_are_mapped_in_order():
    environment = {
        **PROVIDER,
        "LEADINTAKE_OIDC_ROLE_CLAIM": "groups",
        "LEADINTAKE_OIDC_ROLES": "a=b=admin, c = viewer",
    }
    assert read_settings(environment, {})[0].OIDC_ROLES == ["a=b=admin", "c = viewer"]


@pytest.mark.parametrize("name", ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"])
def test_what_is_for_a_provider_needs_one(name):
    assert problems_of({f"LEADINTAKE_{name}": "x"}) == [f"LEADINTAKE_{name} without OIDC_ISSUER"]


def test_an_extra_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(sign_in, "find_spec", lambda _: None)
    wanted = {"LEADINTAKE_PASSKEYS": "on", "LEADINTAKE_PUBLIC_URL": "https://intake.firm.example", **PROVIDER}
    told = problems_of(wanted)
    assert [problem.rpartition("install ")[2] for problem in told] == [
        "'leadintake[passkeys]'",
        "'leadintake[sso]'",
    ]


def test_the_service_runs_without_its_extras(tmp_path):
    """Nothing of theirs is imported before somebody needs it."""
    extras = ("webauthn", "authlib", "joserfc", "requests", "altcha")
    hidden = f"import sys; sys.modules.update(dict.fromkeys({extras}))"
    start = f"{hidden}; from leadintake import create_app; create_app(INSTANCE_PATH={str(tmp_path)!r})"
    done = subprocess.run(
        [sys.executable, "-c", start], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_production_starts_when_it_is_safe():
    assert read_settings(SAFE, {})[0].ENVIRONMENT == "production"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"LEADINTAKE_SECRET_KEY": ""}, "SECRET_KEY"),
        ({"LEADINTAKE_SECRET_KEY": "s" * 31}, "SECRET_KEY"),
        ({"LEADINTAKE_PUBLIC_URL": "http://intake.firm.example"}, "PUBLIC_URL"),
        (
            {
                "LEADINTAKE_MAIL_SERVER": "mail.example",
                "LEADINTAKE_MAIL_FOLDER": "",
                "LEADINTAKE_MAIL_USE_TLS": "off",
            },
            "MAIL_USE_TLS",
        ),
        ({"LEADINTAKE_MAIL_FOLDER": ""}, "MAIL_SERVER"),
        ({"LEADINTAKE_MAIL_SERVER": "mail.example"}, "MAIL_FOLDER"),
    ],
)
def test_production_refuses_what_is_unsafe(change, named):
    (problem,) = problems_of({**SAFE, **change})
    assert problem.startswith(f"LEADINTAKE_{named}:")


def test_a_mail_folder_lies_in_the_instance_folder_unless_its_path_is_whole(tmp_path):
    folder = read(MAIL_FOLDER="mail", INSTANCE_PATH=str(tmp_path)).MAIL_FOLDER
    assert folder == str(tmp_path / "mail")
    assert read(MAIL_FOLDER="/var/mails", INSTANCE_PATH=str(tmp_path)).MAIL_FOLDER == "/var/mails"


def test_a_pool_has_a_connection_for_each_thread_or_two_fit_what_postgresql_gives(tmp_path):
    pools = {}
    for scheme in ("sqlite", "postgresql", "mariadb"):
        settings = read(DATABASE_URL=f"{scheme}://db/leads", INSTANCE_PATH=str(tmp_path))
        pools[scheme] = complete(settings, tmp_path).DATABASE_POOL_SIZE
    threads, given, reserved = 64, 100, 3
    assert pools["sqlite"] > threads
    assert 2 * pools["postgresql"] <= given - reserved
    assert pools["mariadb"] == pools["postgresql"]
    chosen = read(DATABASE_POOL_SIZE="7", INSTANCE_PATH=str(tmp_path))
    assert complete(chosen, tmp_path).DATABASE_POOL_SIZE == 7


@pytest.mark.parametrize(
    ("pooler", "url"),
    [("odyssey", "postgresql://db/leads"), ("pgbouncer", "mariadb://db/leads"), ("pgbouncer", "")],
)
def test_a_pooler_is_one_we_know_and_in_front_of_postgresql(pooler, url):
    (problem,) = problems_of({"LEADINTAKE_DATABASE_POOLER": pooler, "LEADINTAKE_DATABASE_URL": url})
    assert problem.startswith("LEADINTAKE_DATABASE_POOLER: ")
    assert read(DATABASE_POOLER="pgbouncer", DATABASE_URL="postgres://db/leads").DATABASE_POOLER


def test_production_refuses_debugging(monkeypatch):
    monkeypatch.setenv("FLASK_DEBUG", "1")
    (problem,) = problems_of(SAFE)
    assert "FLASK_DEBUG" in problem


def test_a_misspelt_setting_is_pointed_out_and_the_tests_own_are_not():
    environment = {
        "LEADINTAKE_PUBLC_URL": "x",
        "LEADINTAKE_REQUIRE_SERVICES": "1",
        "LEADINTAKE_REDIS_URL_FILE": "/dev/null",
    }
    assert read_settings(environment, {})[1] == ["LEADINTAKE_PUBLC_URL (did you mean LEADINTAKE_PUBLIC_URL?)"]


def test_a_misspelt_setting_is_among_the_problems_of_a_start_that_fails():
    problems = problems_of({"LEADINTAKE_MAILSERVER": "x", "LEADINTAKE_MAIL_PORT": "0"})
    assert "LEADINTAKE_MAILSERVER (did you mean LEADINTAKE_MAIL_SERVER?) is not a setting" in problems


def test_the_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    app = create_app(INSTANCE_PATH=str(tmp_path))
    path = tmp_path / "secret_key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert app.secret_key == path.read_text() == create_app(INSTANCE_PATH=str(tmp_path)).secret_key
    assert len(app.secret_key) >= 32
    assert sorted(file.name for file in tmp_path.iterdir()) == ["secret_key"]


def test_a_damaged_secret_is_a_problem_not_an_empty_key(tmp_path):
    (tmp_path / "secret_key").write_text("")
    with pytest.raises(ConfigurationError, match="damaged"):
        create_app(INSTANCE_PATH=str(tmp_path))


def test_processes_that_start_together_agree_on_the_secret(tmp_path):
    with ThreadPoolExecutor(20) as pool:
        secrets = set(pool.map(read_or_make_secret, [tmp_path / "secret_key"] * 20))
    assert len(secrets) == 1


def test_an_instance_folder_that_cannot_be_written_is_a_problem(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="INSTANCE_PATH"):
        create_app(INSTANCE_PATH=str(tmp_path / "file"))


def test_uploads_lie_inside_a_chosen_instance_folder(tmp_path):
    assert create_app(INSTANCE_PATH=str(tmp_path)).config["STORAGE_URL"] == f"file:{tmp_path / 'uploads'}"
    chosen = create_app(INSTANCE_PATH=str(tmp_path), STORAGE_URL="file:///srv/files")
    assert chosen.config["STORAGE_URL"] == "file:/srv/files"


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ("file:link/files", "file:{here}/real/files"),
        ("file:{here}/real/../real/files/", "file:{here}/real/files"),
        ("file:loop", "file:{here}/loop"),
        ("s3://bucket/prefix/", "s3://bucket/prefix"),
    ],
)
def test_a_storage_has_one_spelling(tmp_path, given, whole):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "loop").symlink_to("loop")
    here = os.path.realpath(tmp_path)
    app = create_app(INSTANCE_PATH=str(tmp_path), STORAGE_URL=given.format(here=here))
    assert app.config["STORAGE_URL"] == whole.format(here=here)


def test_a_bad_start_is_one_message_without_a_traceback(tmp_path):
    environment = {**os.environ, "LEADINTAKE_INSTANCE_PATH": str(tmp_path), "LEADINTAKE_MAIL_PORT": "many"}
    command = [sys.executable, "-m", "flask", "doctor"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "LEADINTAKE_MAIL_PORT: 'many' is not a whole number" in done.stderr
    assert "Traceback" not in done.stderr
