/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's contact: the archive looks his number up, in the book of an extension and in the
 * directory. A call from a trunk asks before it rings (sig/pbx/contact.c), and has an answer within
 * FIND_MS or none. When a call rings at an extension, the event call.contact says all contacts of
 * that number; the call waits for nothing then. A tenant has a share of the requests to the archive
 * (archive_child.c). Control thread.
 */
#include <stdlib.h>
#include <string.h>

#include "app/archive/contact/contact.h"
#include "app/document/extensions.h"
#include "app/feature/archive/archive_client.h"
#include "app/feature/contact/contacts.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "app/settings/settings.h"
#include "base/json_member.h"
#include "sig/host/event.h"
#include "sig/identity/shown.h"

enum { FIND_MS = 200, CONTACTS_OFFERED = 4 };

struct contact_asked {
	uint64_t call, version;
	uint16_t tenant;
	char to[64], number[64];
};

/* As many as fit into an event, in the order of contact.find. NULL: none. */
static char *contacts_offered(const json_t *rows)
{
	size_t most = event_fields[EV_VALUES].text_max, n = json_array_size(rows);
	json_t *list = json_array();
	char *text = NULL;

	for (size_t i = 0; i < n && i < CONTACTS_OFFERED; i++)
		(void)json_array_append(list, json_array_get(rows, i));
	for (n = json_array_size(list); n; n--) {
		json_t *all = json_pack("{s:O}", "contacts", list);

		text = json_dumps(all, JSON_COMPACT);
		json_decref(all);
		if (!text || strlen(text) <= most)
			break;
		free(text);
		text = NULL;
		(void)json_array_remove(list, n - 1);
	}
	json_decref(list);
	return text;
}

static void contact_on_found(struct node *n, const json_t *result, const char *why, void *arg)
{
	const json_t *rows = json_object_get(result, "result");
	struct contact_asked *asked = arg;
	char *told = contacts_offered(rows);

	(void)why;
	if (told) {
		struct sig_event event = { .kind = SIG_CALL_CONTACT,
					   .call = asked->call,
					   .version = asked->version };

		event_put_str(&event, EV_TO, asked->to);
		event_put_str(&event, EV_NUMBER, asked->number);
		event_put_str(&event, EV_NAME, json_text(json_array_get(rows, 0), "name"));
		event_put_str(&event, EV_VALUES, told);
		node_event(n, tenants_name(n->common.tenants, asked->tenant), &event);
	}
	free(told);
	free(asked);
}

/* Of who withholds the number nobody is told the name. */
static bool event_is_wanted(const struct node *n, uint16_t tenant,
			    const struct bytes values[EV_FIELDS])
{
	struct bytes from = values[EV_FROM], to = values[EV_TO];

	return !bytes_is(values[EV_FACT_from_name], PARTY_HIDDEN_NAME) &&
	       n->settings->archive.enabled && from.n && to.n &&
	       extensions_has(n->api.extensions, tenant, to) &&
	       !extensions_has(n->api.extensions, tenant, from);
}

void contact_on_event(const struct effect *e, void *node)
{
	const struct sig_event *event = e->request;
	struct bytes values[EV_FIELDS], from, to;
	struct contact_asked *asked;
	struct node *n = node;
	char owner[CONTACT_OWNER_MAX];
	uint16_t tenant;
	json_t *args;

	if (event->kind != SIG_CALL_RINGING)
		return;
	event_values_find(event, values);
	from = values[EV_FROM];
	to = values[EV_TO];
	tenant = tenants_find(n->common.tenants, bytes_str(event->tenant));
	if (!event_is_wanted(n, tenant, values))
		return;
	asked = calloc(1, sizeof(*asked));
	if (!asked || bytes_cstr(to, asked->to, sizeof(asked->to)) ||
	    bytes_cstr(from, asked->number, sizeof(asked->number))) {
		free(asked);
		return;
	}
	asked->call = event->call;
	asked->version = event->version;
	asked->tenant = tenant;
	(void)snprintf(owner, sizeof(owner), "u%s", asked->to);
	args = contact_args_in(n, tenant, owner);
	if (args)
		(void)json_object_set_new(args, "number", json_string(asked->number));
	if (!args ||
	    !archive_query_send(n, "contact.find", args, tenant, FIND_MS, contact_on_found, asked))
		free(asked);
}

/* ---- before it rings ---- */

static void contact_line_put(struct writer *w, const json_t *row, const char *member)
{
	writer_str(w, json_text(row, member));
	writer_str(w, "\n");
}

/* The number as which the user calls it. */
static const char *contact_own_line(const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)rows, i, row)
	{
		if (json_text(row, "line")[0])
			return json_text(row, "line");
	}
	return "";
}

/* The first one's name, and whether any contact of the number is blocked. */
static void contact_on_known(struct node *n, const json_t *result, const char *why, void *arg)
{
	const json_t *rows = json_object_get(result, "result"), *row;
	struct answer *wanted = arg;
	uint8_t space[4 * CONTACT_TEXT_MAX];
	struct writer w = writer_over(space, sizeof(space));

	(void)why;
	row = json_array_get(rows, 0);
	if (row) {
		wanted->reply.contact.blocked = json_flag(row, "number_blocked");
		contact_line_put(&w, row, "name");
		contact_line_put(&w, row, "company");
		contact_line_put(&w, row, "category");
		writer_str(&w, contact_own_line(rows));
	}
	if (w.overflow || text_set(&wanted->record, writer_done(&w)))
		LOG_ERROR("contact", wanted->call, "no memory for who calls");
	answers_add(&n->shards->answers, wanted);
	free(wanted);
}

void contact_on_wanted(const struct effect *e, void *node)
{
	const struct request_contact *request = e->request;
	struct answer *wanted = calloc(1, sizeof(*wanted));
	struct node *n = node;
	uint16_t tenant = tenants_find(n->common.tenants, text_bytes(&request->tenant));
	char owner[CONTACT_OWNER_MAX] = "d";
	json_t *args;

	if (!wanted)
		return; /* the call's own time runs */
	*wanted = (struct answer){
		.kind = ANSWER_REPLY,
		.call = e->call,
		.reply = { .ask = ASK_CONTACT, .of = e->call, .contact = { .serial = e->serial } }
	};
	if (request->user.n)
		(void)snprintf(owner, sizeof(owner), "u%s", text_str(&request->user));
	args = contact_args_in(n, tenant, owner);
	if (args)
		(void)json_object_set_new(args, "number",
					  command_text_json(text_bytes(&request->number)));
	if (args &&
	    archive_query_send(n, "contact.find", args, tenant, FIND_MS, contact_on_known, wanted))
		return;
	contact_on_known(n, NULL, NULL, wanted);
}
