/* SPDX-License-Identifier: Apache-2.0 */
/* The row of Web Push in the list of features, with the commands about browsers. */

#include "app/command/table/table.h"
#include "app/feature/push/push.h"

#define BROWSER_NUMBER \
	TEXT_ARG("number", CHARSET_NUMBER, 1, 61, NULL, "The extension.", .required = true)

static const struct command_arg g_browser_mine_args[] = { BROWSER_NUMBER, END };
static const struct command_arg g_browser_delete_args[] = {
	TEXT_ARG("name", CHARSET_NAME, 1, DOCUMENT_NAME_MAX - 1, NULL,
		 "Name of the subscription, as in browser.list.", .required = true),
	BROWSER_NUMBER,
	END,
};
static const struct command_arg g_browser_add_args[] = {
	BROWSER_NUMBER,
	{ .name = "endpoint",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .required = true,
	  .min = 10,
	  .max = BROWSER_URL_MAX - 1,
	  .help = "endpoint of the subscription: a URL at one of push_hosts of tenant.put." },
	TEXT_ARG("p256dh", CHARSET_NAME, PUSH_POINT_TEXT, PUSH_POINT_TEXT, NULL,
		 "Its public key, in base64url.", .required = true),
	{ .name = "auth",
	  .type = ARG_SECRET,
	  .charset = CHARSET_NAME,
	  .required = true,
	  .min = PUSH_AUTH_TEXT,
	  .max = PUSH_AUTH_TEXT,
	  .help = "Its secret, in base64url." },
	END,
};

static const struct command g_browser_commands[] = {
	{ "browser.key", COMMAND_FOR_READER, g_browser_mine_args,
	  "By which key a browser subscribes (applicationServerKey), and whether the tenant has "
	  "pushes at all.",
	  "on, key", BY(browser_key), .own = "number" },
	{ "browser.add", COMMAND_FOR_APPLICATION, g_browser_add_args,
	  "A browser of a user is told of calls that ring at the extension, and of new messages, "
	  "also while no page is open (RFC 8030, 8291, 8292). An extension has 5 of them; a "
	  "further one takes the place of the oldest. It is gone when its session is ended by "
	  "command, with another password, and when its push service knows it no more. It outlives "
	  "a session that runs out.",
	  "name, number, host, changed_utc_ms", BY(document_put),
	  .documents = BY(&g_browser_documents), .own = "number", .transient = true },
	{ "browser.list", COMMAND_FOR_READER, g_browser_mine_args,
	  "Lists the browsers of an extension that are told of calls.",
	  "a list of name, number, host (of its push service), changed_utc_ms", BY(browser_list),
	  .own = "number", .columns = "name,number,host",
	  LISTS("name", NULL, false, "name,number,host,changed_utc_ms") },
	{ "browser.delete", COMMAND_FOR_APPLICATION, g_browser_delete_args,
	  "A browser is told of calls no more.", "name", BY(document_delete),
	  .documents = BY(&g_browser_documents), .own = "number" },
	{ .name = NULL },
};
static_assert(BROWSERS_OF_USER == 5, "the text above says it");

const struct app_feature g_push_feature = {
	.name = "push",
	.commands = g_browser_commands,
	.documents = KINDS(&g_browser_documents),
	.metrics = BY(g_push_metrics),
	.session = BY(push_on_session),
	.carriers = CARRIERS({ push_on_event, EFFECT_EVENT }, { push_on_wake, EFFECT_WAKE }),
};
