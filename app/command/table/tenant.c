/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the command table for tenants and their documents: extensions, profiles, dial plans,
 * rooms, trunks, tokens, webhooks, sessions and sets of documents. Arguments of a put command are
 * the fields of the document (app/schema/), so that a field has one description. */

#include "app/command/table/table.h"
#include "app/schema/extension.h"
#include "app/schema/hours_field.h"
#include "app/schema/profile.h"
#include "app/schema/room_field.h"
#include "app/schema/set_field.h"
#include "app/schema/tenant_field.h"
#include "app/schema/token_field.h"
#include "app/schema/trunk_field.h"
#include "app/schema/webhook_field.h"

/* Extensions, and profiles of them. */

#define PRESENCE_RESULT                                                                            \
	"number, state (offline, on_the_phone and in_a_conference among them), available (it may " \
	"be called), said (the newest word, without what is shown by itself), by, note, "          \
	"until_utc_ms (0: it lasts), states (of the tenant beside the seven, joined by ',')"
#define PRESENCE_ARG(text) \
	TEXT_ARG("state", CHARSET_NAME, 1, PRESENCE_MAX - 1, NULL, text, .required = true)
#define NOTE_ARG                                                          \
	TEXT_ARG("note", CHARSET_TEXT, 0, PRESENCE_NOTE_MAX - 1, "empty", \
		 "A line for users who see it.")
static const struct command_arg g_presence_args[] = {
	NUMBER_ARG("Number of the extension."),
	PRESENCE_ARG("available, busy, do_not_disturb, in_a_meeting, away, out_of_office, "
		     "off_work, or another one (presence_states of tenant.put)."),
	NOTE_ARG,
	U64_ARG("until_utc_ms", 0, INT64_MAX, "0",
		"When that ends, and the presence before counts again. 0: it lasts."),
	ENUM_ARG("by", g_presence_sources, "page for users, else command",
		 "What says it. calendar: a meeting that its calendar has, until that time; "
		 "available ends it. It is kept beside all else."),
	END,
};
static const struct command_arg g_publish_args[] = {
	NUMBER_ARG("Number of the extension."),
	TEXT_ARG("etag", CHARSET_ID, BASE32_U64_LEN, BASE32_U64_LEN, "a new one",
		 "The publication that it refreshes, as the last answer named it."),
	U64_ARG("expires_s", 0, 86400, "3600", "How long it lasts. 0: it ends now."),
	TEXT_ARG("state", CHARSET_NAME, 1, PRESENCE_MAX - 1, "as before, or available",
		 "As in presence.set."),
	NOTE_ARG,
	END,
};
static const struct command_arg g_greeting_args[] = {
	NUMBER_ARG("Number of the extension."),
	PRESENCE_ARG("The presence that it is for; default: all without a greeting of their own."),
	TEXT_ARG("file", CHARSET_TEXT, 0, GREETING_FILE_MAX - 1, NULL,
		 "A file in media.sounds, prompt:NAME, or recording:CALL-NUMBER of a recorded "
		 "message (call.record_message). Empty, or without it: none."),
	END,
};

#define NEW_SECRET_ARG(what, set, least, most, text)                                  \
	{                                                                             \
		.name = (what), .type = ARG_SECRET, .charset = (set), .min = (least), \
		.max = (most), .help = (text)                                         \
	}
static const struct command_arg g_secret_args[] = {
	NUMBER_ARG("Number of the extension."),
	{ .name = "present",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .required = true,
	  .min = 1,
	  .max = 128,
	  .help = "Its password as it is." },
	NEW_SECRET_ARG("new_password", CHARSET_TEXT, 4, 128, "As password of extension.put."),
	NEW_SECRET_ARG("new_pin", CHARSET_PIN, 3, 16,
		       "As pin of extension.put: 4 to 16 digits, or off."),
	END,
};

static const struct command_arg g_extension_list_args[] = {
	TEXT_ARG("after", CHARSET_NUMBER, 0, 63, NULL,
		 "Begin after this number: the last one of the page before."),
	LIMIT_ARG,
	END,
};

#define PROFILE_ARG(text) \
	TEXT_ARG("name", CHARSET_NAME, 1, PROFILE_NAME_MAX - 1, NULL, text, .required = true)
static const struct command_arg g_profile_args[] = { PROFILE_ARG("Name of the profile."), END };

#undef FIELD_OF
#define FIELD_OF struct profile_range
static const struct command_arg g_range_args[] = {
	ADDR_FIELD("from", core.first, "First address of the range."),
	END,
};
#undef FIELD_OF

const struct command g_extension_commands[] = {
	{ "extension.put", COMMAND_FOR_ADMIN, g_extension_fields,
	  "Makes an extension, or changes the given fields.",
	  "the extension; warnings, of what its mailbox needs and what is not there yet",
	  BY(document_put), .documents = BY(&g_extension_documents), .own = "number",
	  .own_args =
		  "forward_always,forward_busy,forward_no_answer,forward_unreachable,"
		  "forward_rings,do_not_disturb,smart_do_not_disturb,lamps,presence,call_waiting,"
		  "live_call,auto_answer,auto_answer_s,mailbox_notify,mailbox_notify_to,"
		  "mailbox_notify_hours,mailbox_notify_retry_s,mailbox_mail,mailbox_mail_audio,"
		  "mailbox_mail_delete,record,trunk_access",
	  .by_flow = true },
	{ "extension.get", COMMAND_FOR_READER, g_get_args, "Shows an extension.",
	  "password_valid (false: the realm was changed since), has_pin (its mailbox has a PIN), "
	  "changed_utc_ms",
	  BY(command_extension_get), .shows = g_extension_fields, .own = "number",
	  .by_flow = true },
	{ "extension.secret", COMMAND_FOR_ADMIN, g_secret_args,
	  "Changes the password of an extension, the PIN of its mailbox, or both, for a client "
	  "that knows the present password. Another password ends all its sessions; its phones "
	  "register by it from then on. Wrong ones count with those of SIP: busy, and when it may "
	  "be tried again.",
	  "number", BY(command_extension_secret), .own = "number", .transient = true },
	{ "extension.page", COMMAND_FOR_ADMIN, g_get_args,
	  "Shows the link to the record page of an extension, for its phone's settings. It is a "
	  "secret: anybody who has it may record the extension's calls, at each node, until "
	  "record_page or record_page_renew of extension.put makes another one. The log says who "
	  "asked for it. conflict: record_page is false. unavailable: recordings.port is 0, or "
	  "http.tls false.",
	  "number, path (behind https:// and the host), port", BY(command_extension_page),
	  .transient = true },
	{ "extension.presence", COMMAND_FOR_APPLICATION, g_presence_args,
	  "The same as presence.set, by its older name.", PRESENCE_RESULT, BY(document_put),
	  .documents = BY(&g_presence_documents), .own = "number" },
	{ "presence.set", COMMAND_FOR_APPLICATION, g_presence_args,
	  "Sets the presence of an extension, for all who may watch it. It chooses the greeting "
	  "that callers hear (extension.greeting), and keeps no call away. The event "
	  "extension.presence tells of it, and of its end.",
	  PRESENCE_RESULT, BY(document_put), .documents = BY(&g_presence_documents),
	  .own = "number" },
	{ "presence.get", COMMAND_FOR_READER, g_get_args,
	  "Shows the presence of an extension, as its watchers see it.", PRESENCE_RESULT,
	  BY(command_presence_get), .own = "number" },
	{ "presence.publish", COMMAND_FOR_APPLICATION, g_publish_args,
	  "Says it for as long as a page or a program is there, as a phone does by PUBLISH. At "
	  "most four of an extension count at a time; the newest word is shown. changed: there is "
	  "no such publication any more.",
	  "etag, expires_s, " PRESENCE_RESULT, BY(document_put),
	  .documents = BY(&g_presence_documents), .own = "number", .often = true },
	{ "extension.greeting", COMMAND_FOR_APPLICATION, g_greeting_args,
	  "Sets what callers of an extension hear while it has that presence, where an application "
	  "plays greeting:NUMBER (call.play).",
	  "number, state, file", BY(command_extension_greeting) },
	{ "extension.delete", COMMAND_FOR_ADMIN, g_get_args,
	  "Deletes an extension. Its calls go on; its phones are registered no longer.", "number",
	  BY(document_delete), .documents = BY(&g_extension_documents) },
	{ "extension.list", COMMAND_FOR_READER, g_extension_list_args,
	  "Lists extensions by number.",
	  "a list of extensions, each with registered: how many phones it has now",
	  BY(command_extension_list),
	  .columns = "number,display_name,enabled,registered,classes,do_not_disturb,forward_always,"
		     "forward_busy,forward_no_answer,application",
	  LISTS("number", NULL, false, "password_valid,registered") },
	{ "profile.put", COMMAND_FOR_ADMIN, g_profile_fields,
	  "Makes a codec profile, or changes the given fields. Calls that are up keep theirs.",
	  "the profile", BY(document_put), .documents = BY(&g_profile_documents) },
	{ "profile.get", COMMAND_FOR_READER, g_profile_args, "Shows a codec profile.",
	  "changed_utc_ms", BY(command_profile_get), .shows = g_profile_fields },
	{ "profile.delete", COMMAND_FOR_ADMIN, g_profile_args,
	  "Deletes a codec profile that no range uses.", "name", BY(document_delete),
	  .documents = BY(&g_profile_documents) },
	{ "profile.list", COMMAND_FOR_READER, g_no_args, "Lists codec profiles by name.",
	  "a list of profiles", BY(command_profile_list) },
	{ "profile.range.put", COMMAND_FOR_ADMIN, g_range_fields,
	  "Gives a range of addresses a codec profile. No two ranges may overlap.",
	  "changed_utc_ms", BY(document_put), .documents = BY(&g_range_documents),
	  .shows = g_range_fields },
	{ "profile.range.delete", COMMAND_FOR_ADMIN, g_range_args,
	  "Deletes a range: its phones get the profile default.", "from", BY(document_delete),
	  .documents = BY(&g_range_documents) },
	{ "profile.range.list", COMMAND_FOR_READER, g_no_args, "Lists ranges by address.",
	  "a list of ranges", BY(command_range_list) },
	{ .name = NULL },
};

/* Targets that an extension may call, and their cost. */

static const struct command_arg g_dial_check_args[] = {
	NUMBER_ARG("What is dialled."),
	PARTY_ARG("from", CHARSET_NUMBER, "Extension that dials."),
	END,
};

static const struct command_arg g_digit_map_args[] = {
	ENUM_ARG("form", g_dial_map_forms, "polycom",
		 "polycom: with a comma where the second dial tone is; rfc3435: in brackets, "
		 "without numbers that begin with +."),
	END,
};

static const struct command_arg g_toll_args[] = {
	PARTY_OR_NONE("number", "Number of the extension. Without it, the tenant alone."),
	NODE_ARG,
	END,
};

const struct command g_dial_commands[] = {
	{ "dialplan.put", COMMAND_FOR_ADMIN, g_dial_fields,
	  "Sets the dial plan: the meaning of the numbers that the tenant's phones dial, or "
	  "changes the given fields.",
	  "the dial plan", BY(document_put), .documents = BY(&g_dial_documents) },
	{ "dialplan.show", COMMAND_FOR_READER, g_no_args,
	  "Shows the dial plan, or what counts without one.", "changed_utc_ms",
	  BY(command_dialplan_show), .shows = g_dial_fields },
	{ "dialplan.delete", COMMAND_FOR_ADMIN, g_no_args,
	  "Deletes the dial plan: what counts without one does so again.", "dialplan",
	  BY(document_delete), .documents = BY(&g_dial_documents) },
	{ "dialplan.check", COMMAND_FOR_READER, g_dial_check_args,
	  "Says what an extension means by a number. Nothing is called.",
	  "meaning (emergency, extension, room, flow, feature, outside, barred, more: digits are "
	  "missing, unknown), flow (its name, where it is one), number (as it is called, or asked "
	  "for outside), trunk (by which alone, where its access code is dialled), class (of "
	  "numbers outside; of a feature its key), blocked (the number itself is barred), status "
	  "(what its phone hears at once: 403, 404, 484; 0: it is called), why (in words), rule "
	  "(the setting that refuses it: extension.classes, tenant.classes, dialplan.blocked, "
	  "dialplan.numbers, extension.enabled, route) and, of numbers outside, pattern (of the "
	  "plan, by which it has its class or is blocked; empty where it is read as another number "
	  "that has it), international (+4930123456) and national (030123456): its forms of E.164, "
	  "empty where the plan does not know them",
	  BY(command_dialplan_check) },
	{ "dialplan.digit_map", COMMAND_FOR_READER, g_digit_map_args,
	  "Shows the digit map for the tenant's phones, made of its dial plan: emergency numbers, "
	  "feature codes, operator and numbers. T is the phone's timer, where more digits may "
	  "follow. full: it would have more than 4,096 octets.",
	  "form, digit_map", BY(command_dialplan_digit_map) },
	{ "toll.show", COMMAND_FOR_READER, g_toll_args,
	  "Shows what calls outside have cost today, on a node.",
	  "extension (where one is named) and tenant, each with calls (now), used_s (today, with "
	  "the seconds that calls have been given ahead, 10 at most each), outside_calls and "
	  "outside_minutes (its limits; 0: none)",
	  BY(command_toll_show) },
	{ "toll.reset", COMMAND_FOR_ADMIN, g_get_args,
	  "Restarts the day of an extension that has used up its minutes outside. What its tenant "
	  "has used stays.",
	  "number", BY(command_toll_reset) },
	{ .name = NULL },
};

static const struct command_arg g_status_args[] = { NODE_ARG, END };

#define TENANT_ARG(text) \
	TEXT_ARG("name", CHARSET_NAME, 1, TENANT_NAME_MAX - 1, NULL, text, .required = true)
static const struct command_arg g_tenant_args[] = { TENANT_ARG("Name of the tenant."), END };
static const struct command_arg g_tenant_delete_args[] = {
	TENANT_ARG("Name of the tenant."),
	BOOL_ARG("erase", "false",
		 "true: the archive erases its history, contacts, notes and what it has of its "
		 "messages, and nothing of that comes back; what its documents were is gone, too. "
		 "Else it keeps them under the name."),
	END,
};

#define DID_ARG(what, needed, text)                                               \
	TEXT_ARG(what, CHARSET_PATTERN, needed, TRUNK_NUMBER_MAX - 1, NULL, text, \
		 .required = (needed))
static const struct command_arg g_did_args[] = {
	DID_ARG("number", true, "Number or pattern, as it was put."),
	END,
};
static const struct command_arg g_did_list_args[] = {
	DID_ARG("after", false, "Begin after this number: the last one of the page before."),
	LIMIT_ARG,
	END,
};

#undef FIELD_OF
#define FIELD_OF struct location_value
static const struct command_arg g_location_args[] = {
	KEY_FIELD("id", id, CHARSET_DIGITS, "Id of the location."),
	END,
};
#undef FIELD_OF

#define FIELD_OF struct room_value
static const struct command_arg g_room_args[] = {
	KEY_FIELD("number", core.number, CHARSET_NUMBER, "Number of the room."),
	END,
};
#undef FIELD_OF
#define FIELD_OF struct token_value
static const struct command_arg g_token_args[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the token."), END
};
static const struct command_arg g_token_create_args[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the token."),
	TOKEN_ROLE,
	TOKEN_USER,
	TOKEN_LIMITS,
	END,
};
#undef FIELD_OF

#define FIELD_OF    struct webhook_value
#define WEBHOOK_ARG KEY_FIELD("name", name, CHARSET_NAME, "Name of the webhook.")
static const struct command_arg g_webhook_args[] = { WEBHOOK_ARG, END };
static const struct command_arg g_webhook_dead_args[] = {
	WEBHOOK_ARG,
	LIMIT_ARG,
	END,
};
static const struct command_arg g_webhook_replay_args[] = {
	WEBHOOK_ARG,
	TEXT_ARG("id", CHARSET_NAME, 3, 41, "all dead letters",
		 "One event: its webhook-id, as in webhook.dead."),
	U64_ARG("since_utc_ms", 0, INT64_MAX, NULL,
		"All events since then, in ms since 1970, as far back as their stream goes."),
	END,
};
#undef FIELD_OF
#define SESSION_NUMBER(needed)                                            \
	TEXT_ARG("number", CHARSET_NUMBER, 1, COMMAND_USER_MAX - 1, NULL, \
		 "Number of the extension.", .required = (needed))
#define SESSION_NAME                                                                        \
	TEXT_ARG("name", CHARSET_NAME, 1, TOKEN_NAME_MAX - 1, NULL, "Name of the session.", \
		 .required = true)
#define SESSION_TTL U64_ARG("ttl_s", 60, 86400, "3600", "Seconds from now on that it is good for.")
static const struct command_arg g_session_create_args[] = {
	SESSION_NUMBER(true),
	{ .name = "password",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .required = true,
	  .min = 1,
	  .max = 128,
	  .help = "Its password, as its phones have it." },
	SESSION_TTL,
	END,
};
static const struct command_arg g_session_args[] = { SESSION_NAME, SESSION_NUMBER(false), END };
static const struct command_arg g_session_renew_args[] = { SESSION_NAME, SESSION_NUMBER(false),
							   SESSION_TTL, END };
static const struct command_arg g_session_open_args[] = { SESSION_NUMBER(true), SESSION_TTL, END };
static const struct command_arg g_login_begin_args[] = {
	BOOL_ARG("user", "false",
		 "true: a user logs in, with the extension in login.number_claim. The tenant is "
		 "default, or the argument tenant."),
	END,
};
static const struct command_arg g_login_args[] = {
	{ .name = "state",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .min = 1,
	  .max = 192,
	  .help = "As in the URL of login.get." },
	{ .name = "code",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .min = 1,
	  .max = 2048,
	  .help = "What the provider has given the browser." },
	TEXT_ARG("iss", CHARSET_TEXT, 1, 511, NULL, "The provider (RFC 9207)."),
	TEXT_ARG("error", CHARSET_TEXT, 1, 64, NULL, "Why it lets nobody in."),
	END,
};
static const struct command_arg g_session_list_args[] = { SESSION_NUMBER(true), END };

#define FIELD_OF  struct hours_value
#define HOURS_ARG KEY_FIELD("name", name, CHARSET_NAME, "Name of the hours.")
static const struct command_arg g_hours_args[] = { HOURS_ARG, END };
static const struct command_arg g_hours_check_args[] = {
	HOURS_ARG,
	TEXT_ARG("time", CHARSET_TEXT, 5, HOURS_UNTIL_MAX - 1, "now",
		 "Local time in the zone of the hours: 18:00 of today, or 2026-12-24 18:00."),
	END,
};
static const struct command_arg g_hours_override_args[] = {
	HOURS_ARG,
	ENUM_ARG("state", g_hours_overrides, NULL,
		 "State from now on; none: the times of the hours count.", .required = true),
	TEXT_ARG("until", CHARSET_TEXT, 5, HOURS_UNTIL_MAX - 1, "until it is taken back",
		 "Local time in their zone: the next 18:00, or 2026-12-24 18:00."),
	END,
};
#undef FIELD_OF

#define FIELD_OF struct route_value
static const struct command_arg g_route_args[] = {
	KEY_FIELD("name", core.name, CHARSET_NAME, "Name of the route."),
	END,
};
#undef FIELD_OF

#define FIELD_OF struct trunk_value
static const struct command_arg g_trunk_args[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the trunk."),
	END,
};
#undef FIELD_OF

#define SET_NAME_ARG(text) \
	TEXT_ARG("name", CHARSET_NAME, 1, SET_NAME_MAX - 1, NULL, text, .required = true)
#define SET_DOCUMENTS_ARG(needed)                                                                \
	{                                                                                        \
		.name = "documents", .type = ARG_JSON, .required = (needed),                     \
		.help = "List of documents: each an object with kind, and what KIND.put takes; " \
			"tenant, of operators. \"(kept)\": the field stays as it is.",           \
	}
#define STAGE_ARG(text, ...) \
	TEXT_ARG("stage", CHARSET_NAME, 1, SET_NAME_MAX - 1, NULL, text, __VA_ARGS__)
#define DRY_RUN_ARG BOOL_ARG("dry_run", "false", "Says what would change, and changes nothing.")
#define SET_RESULT                                                                                 \
	"name, state (applied, unchanged, dry_run), version, created, changed, deleted, "          \
	"unchanged, changes (each with change, kind, tenant, name, document, and fields: of each " \
	"what it was and is), more (there are others), warnings"
#define SET_SHOWN                                                                                \
	"name, state (done; moving: its documents are on their way), version, versions (newest " \
	"first: version, utc_ms, by, entries, created, changed, deleted, rollback_of), "         \
	"changed_utc_ms"
static const struct command_arg g_set_args[] = { SET_NAME_ARG("Name of the set."), END };
static const struct command_arg g_set_apply_args[] = {
	SET_NAME_ARG("Name of the set, as the owner of these documents."),
	SET_DOCUMENTS_ARG(false),
	STAGE_ARG("In place of documents: what set.stage has under this name.", .required = false),
	BOOL_ARG("prune", "false", "Deletes what the set had before, and has no longer."),
	DRY_RUN_ARG,
	END,
};
static const struct command_arg g_set_stage_args[] = {
	STAGE_ARG("Name of the staged set, chosen by the client.", .required = true),
	U64_ARG("part", 0, 65535, NULL, "Number of the part, from 0 on.", .required = true),
	SET_DOCUMENTS_ARG(true),
	END,
};
static const struct command_arg g_set_rollback_args[] = {
	SET_NAME_ARG("Name of the set."),
	U64_ARG("version", 1, UINT32_MAX, NULL, "A version that set.show lists.", .required = true),
	DRY_RUN_ARG,
	END,
};

static const struct command_arg g_backup_read_args[] = {
	U64_ARG("cursor", 0, INT64_MAX, "0", "next of the page before."),
	END,
};
static const struct command_arg g_backup_restore_args[] = {
	TEXT_ARG("owner", CHARSET_NAME, 1, COMMAND_TENANT_MAX - 1, NULL,
		 "The tenant, or _operator: as backup.read has it.", .required = true),
	TEXT_ARG("kind", CHARSET_NAME, 1, 63, NULL, "The kind of the document.", .required = true),
	{ .name = "document",
	  .type = ARG_JSON,
	  .required = true,
	  .help = "The document, as backup.read has it." },
	DRY_RUN_ARG,
	END,
};

const struct command g_tenant_commands[] = {
	{ "tenant.put", COMMAND_FOR_OPERATOR, g_tenant_fields,
	  "Makes a tenant, or changes the given fields. Equal numbers of two tenants never meet.",
	  "the tenant", BY(command_tenant_put), .documents = BY(&g_tenant_documents) },
	{ "tenant.show", COMMAND_FOR_OPERATOR, g_tenant_args, "Shows a tenant.", "changed_utc_ms",
	  BY(command_tenant_show), .shows = g_tenant_fields },
	{ "tenant.delete", COMMAND_FOR_OPERATOR, g_tenant_delete_args,
	  "Deletes a tenant that has no documents.", "name", BY(document_delete),
	  .documents = BY(&g_tenant_documents) },
	{ "tenant.list", COMMAND_FOR_OPERATOR, g_no_args, "Lists tenants; default is always there.",
	  "a list of tenants", BY(command_tenant_list) },
	{ "tenant.status", COMMAND_FOR_READER, g_status_args,
	  "Shows the client's tenant, and what it has on a node.",
	  "name, realm (of passwords), role (of the client), calls, registrations, extensions, "
	  "recorded, sessions, subscriptions, trunks, dids, routes, locations, rooms, conferences, "
	  "and max_calls and so on for each of them (its quotas; 0: any number)",
	  BY(command_tenant_status) },
	{ "did.put", COMMAND_FOR_ADMIN, g_did_fields,
	  "Sets the user that an inbound number of a trunk (DID) calls. A number counts before "
	  "patterns, the more exact pattern before the others.",
	  "the number; warnings, of a pattern that hardly means what it says, or a trunk that is "
	  "not there",
	  BY(document_put), .documents = BY(&g_did_documents) },
	{ "did.show", COMMAND_FOR_READER, g_did_args,
	  "Shows the user that an inbound number calls.", "changed_utc_ms", BY(document_show),
	  .documents = BY(&g_did_documents), .shows = g_did_fields },
	{ "did.delete", COMMAND_FOR_ADMIN, g_did_args,
	  "Deletes a number: trunks that call it get 404.", "number", BY(document_delete),
	  .documents = BY(&g_did_documents) },
	{ "did.list", COMMAND_FOR_READER, g_did_list_args, "Lists numbers.", "a list of numbers",
	  BY(command_document_list), .documents = BY(&g_did_documents) },
	{ "location.put", COMMAND_FOR_ADMIN, g_location_fields,
	  "Makes a location where phones stand, or changes the given fields. The next emergency "
	  "call from there shows the change.",
	  "the location", BY(document_put), .documents = BY(&g_location_documents) },
	{ "location.show", COMMAND_FOR_READER, g_location_args, "Shows a location.",
	  "changed_utc_ms", BY(document_show), .documents = BY(&g_location_documents),
	  .shows = g_location_fields },
	{ "location.delete", COMMAND_FOR_ADMIN, g_location_args, "Deletes a location.", "id",
	  BY(document_delete), .documents = BY(&g_location_documents) },
	{ "location.list", COMMAND_FOR_READER, g_no_args, "Lists locations by id.",
	  "a list of locations", BY(command_document_list),
	  .documents = BY(&g_location_documents) },
	{ "room.put", COMMAND_FOR_ADMIN, g_room_fields,
	  "Makes a room for conferences that is dialled, or changes the given fields. Its members "
	  "stay in it.",
	  "the room", BY(document_put), .documents = BY(&g_room_documents), .own = "owner",
	  .own_args = "number,name,pin,host_pin,locked,entry_tone,exit_tone,muted,wait_for_host,"
		      "ends_with_host" },
	{ "room.show", COMMAND_FOR_READER, g_room_args, "Shows a room. Its PINs are never shown.",
	  "changed_utc_ms, has_pin, has_host_pin, and pins_valid (false: they were sealed with "
	  "other keys, and nobody comes in until they are put again)",
	  BY(document_show), .documents = BY(&g_room_documents), .shows = g_room_fields,
	  .own = "" },
	{ "room.delete", COMMAND_FOR_ADMIN, g_room_args,
	  "Deletes a room: nobody comes in any more. Its members stay in it.", "number",
	  BY(document_delete), .documents = BY(&g_room_documents), .own = "" },
	{ "room.list", COMMAND_FOR_READER, g_no_args, "Lists rooms by number.", "a list of rooms",
	  BY(command_document_list), .documents = BY(&g_room_documents),
	  .columns = "number,name,max_members,wait_for_host,locked,record,factory", .own = "",
	  LISTS("number", NULL, false, "pins_valid") },
	{ "token.create", COMMAND_FOR_ADMIN, g_token_create_args,
	  "Makes a token of the HTTP API, or gives one another secret, so that the one of before "
	  "is worthless. The answer shows it, once.",
	  "name, role, user, expires_utc_s, commands, without, and token, which clients show: "
	  "Authorization: Bearer TOKEN",
	  BY(document_put), .documents = BY(&g_token_documents) },
	{ "token.put", COMMAND_FOR_ADMIN, g_token_fields,
	  "Makes a token with a secret that somebody else has made, or changes the given fields. "
	  "Clients show TENANT~NAME~SECRET.",
	  "the token", BY(document_put), .documents = BY(&g_token_documents) },
	{ "token.get", COMMAND_FOR_ADMIN, g_token_args, "Shows a token, without its secret.",
	  "name, role, user, expires_utc_s, commands, changed_utc_ms", BY(document_show),
	  .documents = BY(&g_token_documents) },
	{ "token.delete", COMMAND_FOR_ADMIN, g_token_args,
	  "Revokes a token: within a second no node takes it any more.", "name",
	  BY(document_delete), .documents = BY(&g_token_documents) },
	{ "token.list", COMMAND_FOR_ADMIN, g_no_args, "Lists tokens by name.", "a list of tokens",
	  BY(command_document_list), .documents = BY(&g_token_documents),
	  .columns = "name,role,user,commands,expires_utc_s" },
	{ "webhook.put", COMMAND_FOR_ADMIN, g_webhook_fields,
	  "Makes a webhook, or changes the given fields: events of the tenant are posted to a URL, "
	  "each at least once, those of a call in order (guides/webhooks.md).",
	  "the webhook, without its secrets", BY(document_put),
	  .documents = BY(&g_webhook_documents) },
	{ "webhook.get", COMMAND_FOR_READER, g_webhook_args,
	  "Shows a webhook, without its secrets, and how it goes.",
	  "has_secrets, changed_utc_ms, and figures: node (that posts), delivered, retried (tries "
	  "that failed), dead (events given up), lost (that went from the stream unread), waiting, "
	  "failures (in a row), lag_ms (from event to answer, the last one), last_utc_ms, status "
	  "and error (of the last try that failed), dead_letters; null: it is not known",
	  BY(command_webhook_get), .documents = BY(&g_webhook_documents),
	  .shows = g_webhook_fields },
	{ "webhook.delete", COMMAND_FOR_ADMIN, g_webhook_args,
	  "Deletes a webhook, with its dead letters.", "name", BY(document_delete),
	  .documents = BY(&g_webhook_documents) },
	{ "webhook.list", COMMAND_FOR_READER, g_no_args, "Lists webhooks by name.",
	  "a list of webhooks", BY(command_document_list), .documents = BY(&g_webhook_documents),
	  .columns = "name,enabled,url,events,application,reason" },
	{ "webhook.dead", COMMAND_FOR_READER, g_webhook_dead_args,
	  "Lists dead letters of a webhook: events that were given up. The newest 1000 are kept, "
	  "for 14 days.",
	  "a list, newest first: id (the webhook-id), utc_ms (when it was given up), tries, "
	  "status, error, and event",
	  BY(command_webhook_request) },
	{ "webhook.replay", COMMAND_FOR_ADMIN, g_webhook_replay_args,
	  "Posts events once more: one, all dead letters, or all since a time.",
	  "replayed (how many; -1: all since then)", BY(command_webhook_request) },
	{ "webhook.test", COMMAND_FOR_ADMIN, g_webhook_args,
	  "Posts an event of the type webhook.test, once and now, also where it is off.",
	  "status (of HTTP; 0: none), ms, ok, error", BY(command_webhook_request) },
	{ "session.create", COMMAND_FOR_READER, g_session_create_args,
	  "Opens a session of a user: its token is good for what its extension's user may (For: "
	  "user). An extension has 8; a further one takes the place of the one that ends first. It "
	  "ends with its time, by session.delete, with another password, and with the extension. "
	  "Wrong passwords count with those of SIP: busy, and when it may be tried again.",
	  "name, number, expires_utc_s, changed_utc_ms, and token, which clients show: "
	  "Authorization: Bearer TOKEN",
	  BY(command_session_create), .documents = BY(&g_session_documents), .anyone = true,
	  .transient = true },
	{ "session.open", COMMAND_FOR_ADMIN, g_session_open_args,
	  "Opens a session of a user by the login of another system, as session.create does by "
	  "the password.",
	  "as of session.create", BY(document_put), .documents = BY(&g_session_documents),
	  .transient = true },
	{ "session.renew", COMMAND_FOR_ADMIN, g_session_renew_args,
	  "Lets a session last longer: from now on ttl_s.", "the session", BY(document_put),
	  .documents = BY(&g_session_documents), .own = "number" },
	{ "session.list", COMMAND_FOR_ADMIN, g_session_list_args, "Lists sessions of an extension.",
	  "a list of sessions", BY(command_session_list), .own = "number",
	  .columns = "name,number,expires_utc_s",
	  LISTS("name", NULL, false, "name,number,expires_utc_s,changed_utc_ms") },
	{ "session.delete", COMMAND_FOR_ADMIN, g_session_args,
	  "Ends a session: within a second no node takes its token any more.", "name",
	  BY(document_delete), .documents = BY(&g_session_documents), .own = "number" },
	{ "login.get", COMMAND_FOR_READER, g_login_begin_args,
	  "Begins the login of an administrator or a user at the OpenID provider of the setting "
	  "login (guides/login.md): a browser goes to the URL.",
	  "url", BY(command_login), .anyone = true, .transient = true },
	{ "login.callback", COMMAND_FOR_READER, g_login_args,
	  "Ends the login: where the provider sends the browser, or what a page asks that it was "
	  "sent to. Each is good once, for ten minutes, at any node of the cluster. Other "
	  "arguments in the query are passed over.",
	  "name, role, user, expires_utc_s, commands, and token, which clients show: "
	  "Authorization: Bearer TOKEN; of a user as session.create",
	  BY(command_login), .anyone = true, .transient = true, .open = true },
	{ TOKEN_LINK, COMMAND_FOR_READER, g_no_args,
	  "Ends the login by a link: a token with commands=" TOKEN_LINK " is good for this command "
	  "alone, and once, at whichever node. From then on it has another secret, all rights of "
	  "its role, and lasts as long as login.session says. Make such a token with a name that "
	  "begins with " TOKEN_LOGIN ", and let it expire soon.",
	  "name, role, user, expires_utc_s, commands, and token, which clients show: "
	  "Authorization: Bearer TOKEN",
	  BY(document_put), .documents = BY(&g_token_documents), .transient = true },
	{ "set.apply", COMMAND_FOR_ADMIN, g_set_apply_args,
	  "Puts many documents at once, or none: all are checked first, and count from one moment "
	  "on. Where nothing differs nothing is done. bad_argument: errors lists every one, by "
	  "document, field and message, with what the document says of it: at (FILE:LINE:COLUMN, "
	  "or such a text for each field). busy: other changes were faster.",
	  SET_RESULT, BY(command_set_apply) },
	{ "set.stage", COMMAND_FOR_ADMIN, g_set_stage_args,
	  "Hands a part of a set to the node that is asked, for set.apply at the same node within "
	  "10 minutes. A part that comes again counts once.",
	  "stage, parts, documents (how many there are by now)", BY(command_set_stage) },
	{ "backup.read", COMMAND_FOR_OPERATOR, g_backup_read_args,
	  "Shows all documents as Redis has them, page by page, with secrets sealed by the key of "
	  "the cluster: for tandemctl backup.",
	  "documents (each with owner, kind, name and document), next (cursor of the next page; "
	  "absent: this was the last one), keys (a mark of the cluster's key), realm (of the "
	  "tenant default), node",
	  BY(command_backup_read), .transient = true },
	{ "backup.restore", COMMAND_FOR_OPERATOR, g_backup_restore_args,
	  "Puts a document as backup.read has shown it: for tandemctl restore. bad_argument: it is "
	  "damaged, or sealed by another key.",
	  "change (created, changed, unchanged)", BY(command_backup_restore) },
	{ "set.rollback", COMMAND_FOR_ADMIN, g_set_rollback_args,
	  "Makes the documents of a set what they were when a version of it had been applied. That "
	  "is a new version.",
	  SET_RESULT, BY(command_set_rollback) },
	{ "set.show", COMMAND_FOR_ADMIN, g_set_args, "Shows a set and its versions.", SET_SHOWN,
	  BY(document_show), .documents = BY(&g_set_documents) },
	{ "set.list", COMMAND_FOR_ADMIN, g_no_args, "Lists sets by name.", "a list of sets",
	  BY(command_document_list), .documents = BY(&g_set_documents),
	  .columns = "name,state,version" },
	{ "set.delete", COMMAND_FOR_ADMIN, g_set_args,
	  "Forgets a set and its versions. Its documents stay.", "name", BY(document_delete),
	  .documents = BY(&g_set_documents) },
	{ "hours.put", COMMAND_FOR_ADMIN, g_hours_fields,
	  "Sets the opening hours of the tenant, or changes the given fields.", "the hours",
	  BY(document_put), .documents = BY(&g_hours_documents) },
	{ "hours.get", COMMAND_FOR_READER, g_hours_args, "Shows hours.", "changed_utc_ms",
	  BY(document_show), .documents = BY(&g_hours_documents), .shows = g_hours_fields },
	{ "hours.delete", COMMAND_FOR_ADMIN, g_hours_args, "Deletes hours.", "name",
	  BY(document_delete), .documents = BY(&g_hours_documents) },
	{ "hours.list", COMMAND_FOR_READER, g_no_args, "Lists hours by name.", "a list of hours",
	  BY(command_document_list), .documents = BY(&g_hours_documents),
	  .columns = "name,zone,week,override,until" },
	{ "hours.override", COMMAND_FOR_APPLICATION, g_hours_override_args,
	  "Sets the hours to open or closed now, against their times, at all nodes and over a "
	  "restart.",
	  "the hours", BY(document_put), .documents = BY(&g_hours_documents) },
	{ "hours.check", COMMAND_FOR_READER, g_hours_check_args,
	  "Says whether it is open at a time. A local time that comes twice means the first one; a "
	  "time that never comes is as much later.",
	  "name, open, overridden (it was said by hand), label (of the holiday; empty: none), time "
	  "and utc_ms, next and next_utc_ms (when it opens or closes; null and 0: not within a "
	  "year, or not before the override is taken back)",
	  BY(command_hours_check) },
	{ .name = NULL },
};

const struct command g_trunk_commands[] = {
	{ "route.put", COMMAND_FOR_ADMIN, g_route_fields,
	  "Makes a route by which calls go out, or changes the given fields.",
	  "the route; warnings, of a pattern that hardly means what it says, as +4420. does, or "
	  "a trunk that is not there",
	  BY(document_put), .documents = BY(&g_route_documents) },
	{ "route.show", COMMAND_FOR_READER, g_route_args, "Shows a route.", "changed_utc_ms",
	  BY(document_show), .documents = BY(&g_route_documents), .shows = g_route_fields },
	{ "route.delete", COMMAND_FOR_ADMIN, g_route_args, "Deletes a route. Its calls go on.",
	  "name", BY(document_delete), .documents = BY(&g_route_documents) },
	{ "route.list", COMMAND_FOR_READER, g_no_args, "Lists routes by name.", "a list of routes",
	  BY(command_document_list), .documents = BY(&g_route_documents) },
	{ "trunk.put", COMMAND_FOR_OPERATOR, g_trunk_fields,
	  "Makes a trunk of a tenant, or changes the given fields. Calls that are up go on.",
	  "the trunk; warnings, of a pattern that hardly means what it says", BY(document_put),
	  .documents = BY(&g_trunk_documents) },
	{ "trunk.show", COMMAND_FOR_READER, g_trunk_args, "Shows a trunk.",
	  "changed_utc_ms, calls_in and calls_out (of this node, now), and up: of each server",
	  BY(document_show), .documents = BY(&g_trunk_documents), .shows = g_trunk_fields },
	{ "trunk.delete", COMMAND_FOR_OPERATOR, g_trunk_args, "Deletes a trunk. Its calls go on.",
	  "name", BY(document_delete), .documents = BY(&g_trunk_documents) },
	{ "trunk.list", COMMAND_FOR_READER, g_no_args, "Lists trunks by name.", "a list of trunks",
	  BY(command_document_list), .documents = BY(&g_trunk_documents),
	  .columns = "name,enabled,direction,servers,transport,channels,calls_in,calls_out,access",
	  LISTS("name", NULL, false, "calls,refused,failovers") },
	{ .name = NULL },
};
