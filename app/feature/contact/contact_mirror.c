/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extensions that are shown, as a book of the archive: there CardDAV reads them beside contacts,
 * with sync-tokens. The node with the archive tells it each document that changes, and all of
 * them when it begins; then it looks for those in the archive that are gone. One request is under
 * way at a time, so what is told last is what the document is. Control thread.
 */
#include <stdio.h>
#include <string.h>

#include "app/archive/contact/dav.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/archive/archive_client.h"
#include "app/feature/contact/contacts.h"
#include "app/node/node.h"
#include "base/json_member.h"
#include "sig/host/tenant_tables.h"

enum {
	CHANGED_MAX = 512, /* above that all are told again */
	MIRROR_ROWS = 64,  /* of a request, */
	MIRROR_MS = 30000,
	MIRROR_AGAIN_S = 5,
	MIRROR_ALL_S = 3600, /* a database may be of a backup */
};

enum mirror_state { MIRROR_PUTS, MIRROR_LOOKS_BACK, MIRROR_DONE };

struct mirror_changed {
	uint16_t tenant;
	char number[64];
};

static struct {
	uint32_t epoch;
	enum mirror_state state;
	uint32_t place; /* in the extensions */
	char tenant[COMMAND_TENANT_MAX], after[CONTACT_ID_MAX];
	uint64_t next_ns, all_ns;
	bool waits;
	uint32_t count;
	struct mirror_changed changed[CHANGED_MAX];
} g_colleagues;

/* ---- rows ---- */

static void person_phone_add(json_t *phones, struct bytes number)
{
	if (number.n && json_array_size(phones) < CONTACT_PHONES_MAX)
		(void)json_array_append_new(phones, json_pack("{s:s%, s:s}", "number", number.p,
							      number.n, "kind", "work"));
}

static json_t *person_card(const char *tenant, const struct extension *e)
{
	const struct extension_person *p = &e->person;
	struct bytes dids = bytes_str(p->dids), did;
	json_t *phones = json_array();
	char name[PERSON_ROOM];
	json_t *card;

	person_name(e, name);
	person_phone_add(phones, bytes_str(e->core.number));
	while (bytes_cut(&dids, ',', &did))
		person_phone_add(phones, did);
	card = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "name",
			 name[0] ? name : e->core.number, "first_name", p->first_name, "last_name",
			 p->last_name, "department", p->department, "title", p->title, "phones",
			 phones, "uid", json_sprintf("tandem-%s-%s", tenant, e->core.number));
	if (card && p->mail[0])
		(void)json_object_set_new(card, "emails",
					  json_pack("[{s:s, s:s}]", "address", p->mail, "kind",
						    "work"));
	return card;
}

json_t *colleague_row(const struct node *n, uint16_t tenant, struct bytes number)
{
	const char *name = tenants_name(n->common.tenants, tenant);
	char id[CONTACT_ID_MAX];
	struct extension e;
	json_t *card = NULL;

	if (!dav_id_read(id, number))
		return NULL;
	if (extensions_find(n->api.extensions, tenant, number, &e)) {
		card = e.person.hidden ? NULL : person_card(name, &e);
		extension_wipe(&e);
	}
	return json_pack("{s:s, s:s, s:o*}", "tenant", name, "contact", id, "card", card);
}

static void colleague_add(json_t *rows, const struct node *n, uint16_t tenant, struct bytes number)
{
	json_t *row = colleague_row(n, tenant, number);

	if (row)
		(void)json_array_append_new(rows, row);
}

static json_t *colleagues_changed(const struct node *n)
{
	json_t *rows = json_array();

	while (g_colleagues.count && json_array_size(rows) < MIRROR_ROWS) {
		const struct mirror_changed *c = &g_colleagues.changed[--g_colleagues.count];

		colleague_add(rows, n, c->tenant, bytes_str(c->number));
	}
	return rows;
}

static json_t *colleagues_next(const struct node *n)
{
	json_t *rows = json_array();
	struct bytes number;
	uint16_t tenant;

	while (json_array_size(rows) < MIRROR_ROWS) {
		if (!extensions_next(n->api.extensions, &g_colleagues.place, &tenant, &number)) {
			g_colleagues.state = MIRROR_LOOKS_BACK;
			break;
		}
		colleague_add(rows, n, tenant, number);
	}
	return rows;
}

/* ---- requests ---- */

static void colleagues_restart(void)
{
	g_colleagues.state = MIRROR_PUTS;
	g_colleagues.place = g_colleagues.count = 0;
	g_colleagues.tenant[0] = g_colleagues.after[0] = '\0';
}

static void colleagues_go_on(struct node *n);

/* After a failed write all extensions are sent again. */
static void colleagues_failed(void)
{
	colleagues_restart();
	g_colleagues.next_ns = clock_now_ns() + MIRROR_AGAIN_S * NS_PER_S;
}

static void colleagues_on_answer(struct node *n, const json_t *result, const char *why, void *arg)
{
	(void)why;
	(void)arg;
	g_colleagues.waits = false;
	if (!json_object_get(result, "result"))
		colleagues_failed();
	else
		colleagues_go_on(n);
}

static void colleagues_request(struct node *n, const char *name, json_t *args,
			       child_answer_fn *done)
{
	g_colleagues.waits = true;
	if (archive_query_send(n, name, args, 0, MIRROR_MS, done, NULL))
		return;
	g_colleagues.waits = false;
	colleagues_failed();
}

static void colleagues_send(struct node *n, json_t *rows)
{
	if (json_array_size(rows))
		colleagues_request(n, "contact.mirror", json_pack("{s:o}", "rows", rows),
				   colleagues_on_answer);
	else
		json_decref(rows);
}

/* Puts the place of the next page behind these rows, unless a new round has begun since the request
 * for them. */
static void colleagues_place(const char *tenant, const json_t *rows)
{
	const char *last;

	if (g_colleagues.state != MIRROR_LOOKS_BACK)
		return;
	if (!tenant[0])
		g_colleagues.state = MIRROR_DONE;
	last = json_string_value(
		json_array_get(json_array_get(rows, json_array_size(rows) - 1), 0));
	(void)snprintf(g_colleagues.tenant, sizeof(g_colleagues.tenant), "%s", tenant);
	(void)snprintf(g_colleagues.after, sizeof(g_colleagues.after), "%s", last ? last : "");
}

/* Of those that the archive has, the ones that are no longer there are told. A tenant that is not
 * there has none. */
static void colleagues_on_there(struct node *n, const json_t *result, const char *why, void *arg)
{
	const json_t *there = json_object_get(result, "result"), *row;
	const char *name = json_text(there, "tenant");
	uint16_t tenant = tenants_find(n->common.tenants, bytes_str(name));
	json_t *rows = json_array();
	struct extension e;
	size_t i;

	(void)why;
	(void)arg;
	g_colleagues.waits = false;
	if (!there)
		colleagues_failed();
	colleagues_place(name, json_object_get(there, "rows"));
	json_array_foreach(json_object_get(there, "rows"), i, row)
	{
		const char *id = json_string_value(json_array_get(row, 0));
		const char *number = json_string_value(json_array_get(row, 1));
		bool gone = true;

		if (number && tenant != TENANT_NONE &&
		    extensions_find(n->api.extensions, tenant, bytes_str(number), &e)) {
			gone = e.person.hidden;
			extension_wipe(&e);
		}
		if (gone)
			(void)json_array_append_new(rows, json_pack("{s:s, s:s*}", "tenant", name,
								    "contact", id));
	}
	colleagues_send(n, rows);
}

static void colleagues_go_on(struct node *n)
{
	if (g_colleagues.count)
		colleagues_send(n, colleagues_changed(n));
	else if (g_colleagues.state == MIRROR_PUTS)
		colleagues_send(n, colleagues_next(n));
	else if (g_colleagues.state == MIRROR_LOOKS_BACK)
		colleagues_request(n, "contact.mirrored",
				   json_pack("{s:s, s:s}", "tenant", g_colleagues.tenant, "after",
					     g_colleagues.after),
				   colleagues_on_there);
}

/* ---- columns of the feature's row ---- */

void contact_extension(struct node *n, uint16_t tenant, const char *number)
{
	struct mirror_changed *c;

	(void)n;
	if (!g_colleagues.epoch)
		return; /* all are told when it begins */
	if (g_colleagues.count == CHANGED_MAX) {
		colleagues_restart();
		return;
	}
	c = &g_colleagues.changed[g_colleagues.count++];
	c->tenant = tenant;
	(void)snprintf(c->number, sizeof(c->number), "%s", number);
}

void contact_second(struct node *n, uint64_t now_ns)
{
	uint32_t epoch = n->api.documents->keep.loaded ? archive_reader_epoch() : 0;

	if (epoch != g_colleagues.epoch || now_ns >= g_colleagues.all_ns) {
		g_colleagues.epoch = epoch;
		g_colleagues.all_ns = now_ns + MIRROR_ALL_S * NS_PER_S;
		colleagues_restart();
	}
	if (epoch && !g_colleagues.waits && now_ns >= g_colleagues.next_ns)
		colleagues_go_on(n);
}
