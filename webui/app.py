"""The console's app: pages, API, and what stands in front of both."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from apiflask import APIFlask
from flask_wtf import CSRFProtect

from appliance.bootstrap import secret
from appliance.config import Settings
from appliance.live.read import LiveSource
from appliance.store.unit import Store
from webui.api import calls as api_calls
from webui.api import charges as api_charges
from webui.api import live as api_live
from webui.api import prompts as api_prompts
from webui.api import recordings as api_recordings
from webui.api import tasks as api_tasks
from webui.callback_words import init_callback_words
from webui.context import EXTENSION, Console, now
from webui.errors import init_errors, processed
from webui.headers import init_headers
from webui.i18n import init_i18n
from webui.live_words import init_live_words
from webui.prompt_words import init_prompt_words
from webui.recording_words import init_recording_words
from webui.rules import init_rules
from webui.shown import init_shown
from webui.sign_in import init_sign_in
from webui.signing_words import init_signing_words
from webui.static_files import init_static_files
from webui.views import advice, calls, health, language, live, numbers, prompts, queues, recordings, tasks
from webui.wall import init_wall
from webui.words import init_words

OPENAPI = "/api/v1/openapi.json"


def create_app(settings: Settings, store: Store) -> APIFlask:
    """The console on a store.

    The key of its sessions is read from ``settings.secret_key_file``, which is made where there is none.

    :raises SettingsError: the key cannot be made or read.
    """
    app = APIFlask(
        __name__,
        title="gateway400",
        version=_version(),
        spec_path=OPENAPI,
        docs_path=None,  # APIFlask's page loads from elsewhere; docs/api.md is the page
        json_errors=False,
    )
    app.config.update(
        APP_VERSION=_version(),
        SECRET_KEY=secret(settings.secret_key_file),
        MAX_CONTENT_LENGTH=64 * 1024,  # only small forms are sent to us; prompts allow themselves more
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=settings.console_https,
        BABEL_DEFAULT_LOCALE="zh_Hans_CN",
        AUTO_SERVERS=False,
        TAGS=["Calls", "Live", "Recordings", "Prompts", "Tasks"],
        VALIDATION_ERROR_DESCRIPTION="A field of the query cannot be read",
    )
    app.extensions[EXTENSION] = Console(settings, store, LiveSource(settings.live_socket, now))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    # Else a filter of a constant is worked out as the template is compiled: in the language of whoever came first.
    app.jinja_env.optimized = False
    app.error_processor(processed)

    init_headers(app, settings)
    init_i18n(app)
    init_shown(app)
    init_words(app)
    init_callback_words(app)
    init_signing_words(app)
    init_recording_words(app)
    init_live_words(app)
    init_rules(app)
    init_prompt_words(app)
    init_static_files(app)
    init_errors(app)
    prompts.init_uploads(app)
    CSRFProtect(app)
    init_sign_in(app, store)
    init_wall(app)
    for subject in (calls, live, queues, tasks, recordings, numbers, advice, prompts, health, language):
        app.register_blueprint(subject.bp)
    for subject in (api_calls, api_charges, api_live, api_recordings, api_prompts, api_tasks):
        app.register_blueprint(subject.bp)
    return app


def _version() -> str:
    try:
        return version("gateway400")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0"
