/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of a phone's micro-browser: the directory, paging groups and parked calls, as its extension
 * may see them. A micro-browser asks nobody for a password, so the link in the phone's file proves
 * it. That link follows from what the phone has logged in with: it is good until the password is
 * another one, or somebody else is logged in at the phone. Nothing changes by a page. What it
 * offers are links that the phone dials, with the rights that the extension has. Control thread.
 */
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_start.h"
#include "app/document/extensions.h"
#include "app/feature/contact/contacts.h"
#include "app/feature/page/page.h"
#include "app/feature/provision/device.h"
#include "app/feature/provision/phone_page.h"
#include "app/feature/provision/provision_facts.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "app/node/node_wait.h"
#include "app/web/web_route.h"
#include "base/clock.h"
#include "base/fair.h"
#include "base/json_member.h"
#include "cluster/store/store.h"
#include "sig/dial/dial.h"
#include "sig/feature/park/park_slots.h"
#include "sig/host/tenant_tables.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/feature_code.h"
#include "sig/sip/id.h"

enum {
	PAGES_MAX = 64, /* that are being made */
	LINK_STATE = 16,
	LINK_PROOF = 32,
	LINK_KEY = PHONE_MAC_LEN + 1 + LINK_STATE + 1 + LINK_PROOF,
	LINK_TEXT_MAX = 1024,
};
#define BROWSER_HEAD "/browser/"

static struct {
	uint8_t key[KEYS_LEN];
	struct fair places; /* closed while no page is being made */
} g_pages;

/* ---- the link ---- */

void phone_pages_open(const struct node *n)
{
	keys_derive(&n->keys, "tandem phone pages 1", g_pages.key);
}

static void link_mac(struct writer *w, struct bytes text, size_t digits)
{
	uint8_t mac[EVP_MAX_MD_SIZE] = { 0 };
	unsigned n = 0;

	if (!HMAC(EVP_sha256(), g_pages.key, sizeof(g_pages.key), text.p, text.n, mac, &n))
		w->overflow = true;
	writer_hex(w, bytes_mem(mac, digits / 2));
}

/* The first extension of the device, if its phone is of one that may have pages. The caller wipes
 * it. */
static bool pages_extension(const struct node *n, uint16_t tenant, const struct device_value *v,
			    struct extension *e)
{
	struct bytes rest = bytes_str(v->extensions), number = { 0 };

	(void)bytes_cut(&rest, ',', &number);
	if ((v->password[0] && bytes_is(number, bare_extension(n, tenant))) ||
	    !extensions_find(n->api.extensions, tenant, number, e))
		return false;
	if (!e->core.enabled)
		extension_wipe(e);
	return e->core.enabled;
}

/* Writes MAC-STATE-PROOF. STATE is a hash of the phone's credentials and of the user who is logged
 * in. PROOF is a MAC of both by a secret key, so a forged link costs no look-up. */
static void phone_link_write(struct writer *w, const struct node *n, uint16_t tenant,
			     const struct device_value *v, const struct extension *e)
{
	uint8_t text[LINK_TEXT_MAX];
	struct writer of = writer_over(text, sizeof(text));
	size_t from = w->n;

	WRITER_TEXTS(&of, tenants_name(n->common.tenants, tenant), " ", v->mac, " ",
		     e->core.number);
	writer_number(&of, " ", v->login_utc_ms, " ");
	if (v->password[0])
		writer_str(&of, v->password);
	else
		writer_mem(&of, &e->core.secret, sizeof(e->core.secret));
	WRITER_TEXTS(w, v->mac, "-");
	link_mac(w, writer_done(&of), LINK_STATE);
	writer_str(w, "-");
	if (of.overflow || w->overflow)
		w->overflow = true;
	else
		link_mac(w, bytes_mem(w->p + from, w->n - 1 - from), LINK_PROOF);
	explicit_bzero(text, sizeof(text));
}

void phone_pages_link(const struct node *n, uint16_t tenant, const struct device_value *v,
		      char out[PHONE_LINK_MAX])
{
	struct writer w = writer_over(out, PHONE_LINK_MAX - 1);
	static struct extension e; /* too large for the stack */

	if (pages_extension(n, tenant, v, &e)) {
		writer_str(&w, BROWSER_HEAD);
		phone_link_write(&w, n, tenant, v, &e);
		extension_wipe(&e);
	}
	out[w.overflow ? 0 : w.n] = '\0';
}

/* A node has made that key. */
static bool link_is_ours(struct bytes key)
{
	char proof[LINK_PROOF];
	struct writer w = writer_over(proof, sizeof(proof));

	if (key.n != LINK_KEY)
		return false;
	link_mac(&w, bytes_sub(key, 0, LINK_KEY - LINK_PROOF - 1), LINK_PROOF);
	return !w.overflow &&
	       bytes_eq_secret(writer_done(&w), bytes_from(key, LINK_KEY - LINK_PROOF));
}

/* ---- a request ---- */

struct phone_request {
	struct web_routed *r;
	struct node *node;
	uint16_t tenant;
	char number[COMMAND_USER_MAX]; /* the extension that asks */
	char base[PHONE_LINK_MAX], search[PHONE_PAGE_SEARCH_MAX];
	uint32_t page, rows; /* rows: that the list has had so far */
	struct phone_page out;
	struct fair_held held;
	struct device_value device;
};

static bool ask_enter(struct phone_request *a)
{
	const struct node *n = a->node;
	const struct fair_who who = {
		.name = { [FAIR_TENANT] = bytes_str(tenants_name(n->common.tenants, a->tenant)),
			  [FAIR_USER] = bytes_str(a->number) },
	};

	if (!g_pages.places.max)
		fair_open(&g_pages.places, PAGES_MAX, &a->node->rand);
	return fair_admit(&g_pages.places, &who, 1, &a->held) == FAIR_FINE;
}

static void ask_free(struct phone_request *a)
{
	fair_give(&g_pages.places, &a->held);
	if (!g_pages.places.taken)
		fair_close(&g_pages.places);
	free(a->out.w.p);
	explicit_bzero(a, sizeof(*a));
	free(a);
}

/* status other than 200: without the page. */
static void ask_end(struct phone_request *a, unsigned status)
{
	phone_page_end(&a->out);
	if (status == 200 && !a->out.w.overflow)
		provision_file(a->r, writer_done(&a->out.w), "text/html; charset=utf-8");
	else
		provision_status(a->r, status == 200 ? 503 : status, 1);
	ask_free(a);
}

/* The next row of a list; true: it stands on this page. */
static bool ask_row(struct phone_request *a)
{
	uint32_t at = a->rows++;

	return at / PHONE_PAGE_ROWS == a->page;
}

static void ask_list_end(struct phone_request *a, const char *to, const char *none)
{
	if (!a->rows)
		phone_page_text(&a->out, none);
	phone_page_turn(&a->out, to, a->page, a->rows > (a->page + 1) * PHONE_PAGE_ROWS);
	phone_page_link(&a->out, "", "Menu");
	ask_end(a, 200);
}

/* In the name of the extension; user "": as a reader of its tenant. */
static void ask_command(struct phone_request *a, const char *name, const char *user,
			const json_t *args, command_done_fn *done)
{
	struct command_principal who = { .role = COMMAND_FOR_READER,
					 .source = a->r->peer,
					 .door = "provision",
					 .by = a->number };
	char id[BASE32_U64_LEN + 8] = "phone ";

	(void)snprintf(who.tenant, sizeof(who.tenant), "%s",
		       tenants_name(a->node->common.tenants, a->tenant));
	(void)snprintf(who.user, sizeof(who.user), "%s", user);
	base32_u64_put(id + 6, rand_u64_from(&a->node->rand));
	id[6 + BASE32_U64_LEN] = '\0';
	command_start(a->node, &who, bytes_str(name), bytes_str(id), args, done, a);
}

/* Its rows; NULL: it has failed, and the request is answered. */
static json_t *ask_rows(struct phone_request *a, const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");
	char *text = error ? NULL : command_result_text(answer);
	json_t *rows = text ? json_loads(text, 0, NULL) : NULL;

	free(text);
	if (!rows)
		ask_end(a,
			error ? command_error_status(command_error_named(json_text(error, "code")))
			      : 503);
	return rows;
}

/* Its extension has that, and the profile of the device leaves it to its phone (DEVICE_FEATURES: no
 * profile says). */
static bool ask_may(const struct phone_request *a, enum entitlement what, enum device_feature of)
{
	const struct node *n = a->node;
	struct extension e;
	bool may;

	if (a->device.features_off >> of & 1 ||
	    !extensions_find(n->api.extensions, a->tenant, bytes_str(a->number), &e))
		return false;
	may = extension_may(n->common.tenants, &e.core, what);
	extension_wipe(&e);
	return may;
}

static bool ask_may_park(const struct phone_request *a)
{
	return ask_may(a, ENTITLED_PARK, DEVICE_FEATURES);
}

static bool ask_may_list(const struct phone_request *a)
{
	return ask_may(a, ENTITLED_DIRECTORY, DEVICE_DIRECTORY);
}

static bool ask_may_page(const struct phone_request *a)
{
	return !(a->device.features_off >> DEVICE_PAGING & 1);
}

/* ---- the directory ---- */

enum { DIRECTORY_NUMBERS = 4, LABEL_MAX = 512 };
#define DIRECTORY_TO "/directory"

/* One line for each number, as phones show one link in a line. */
static void directory_row(struct phone_request *a, const json_t *row)
{
	const char *first = json_text(row, "number"), *name = json_text(row, "name");
	const json_t *one;
	char label[LABEL_MAX];
	uint32_t count = 1;
	size_t i;

	phone_page_dial(&a->out, first, name,
			json_text(row, json_text(row, "department")[0] ? "department" : "company"));
	json_array_foreach(json_object_get(row, "phones"), i, one)
	{
		if (!strcmp(json_text(one, "number"), first) || count++ == DIRECTORY_NUMBERS)
			continue;
		(void)snprintf(label, sizeof(label), "%s (%s)", name, json_text(one, "kind"));
		phone_page_dial(&a->out, json_text(one, "number"), label, "");
	}
}

static void directory_on_rows(json_t *answer, void *arg)
{
	struct phone_request *a = arg;
	json_t *rows = ask_rows(a, answer);
	const json_t *row;
	size_t i;

	if (rows) {
		json_array_foreach(rows, i, row)
		{
			if (ask_row(a))
				directory_row(a, row);
		}
		if (json_object_get(answer, "missing"))
			phone_page_text(&a->out, "Contacts are not known now.");
		ask_list_end(a, DIRECTORY_TO, "Nobody is found.");
	}
	json_decref(rows);
	json_decref(answer);
}

static void directory_page(struct phone_request *a)
{
	json_t *args = json_pack("{s:i}", "limit", (int)(a->page + 1) * PHONE_PAGE_ROWS + 1);

	if (!ask_may_list(a)) {
		json_decref(args);
		ask_end(a, 404);
		return;
	}
	if (a->device.directory_profile[0])
		(void)json_object_set_new(args, "profile",
					  json_string(a->device.directory_profile));
	phone_page_start(&a->out, "Directory");
	phone_page_search(&a->out, DIRECTORY_TO);
	if (a->search[0] && json_object_set_new(args, "search", json_string(a->search)))
		ask_end(a, 400); /* it is no UTF-8 */
	else
		ask_command(a, "directory.list", a->number, args, directory_on_rows);
	json_decref(args);
}

/* ---- paging groups ---- */

#define PAGING_TO "/paging"

static void paging_row(struct phone_request *a, const json_t *row)
{
	const char *first = json_text(row, "first_name"), *last = json_text(row, "last_name");
	const char *name = json_text(row, "name"), *beside = json_text(row, "description");
	char label[LABEL_MAX], number[COMMAND_USER_MAX];

	(void)snprintf(label, sizeof(label), "%s%s%s", first[0] || last[0] ? first : name,
		       first[0] && last[0] ? " " : "", last);
	page_number(a->node, tenants_name(a->node->common.tenants, a->tenant), name, number);
	phone_page_dial(&a->out, number, label, beside[0] ? beside : json_text(row, "department"));
}

/* PAGE-03: the default that the user has chosen comes first, then the others as they are listed. */
static void paging_on_rows(json_t *answer, void *arg)
{
	struct phone_request *a = arg;
	const struct page_choice_value *choice = page_choice_find(a->tenant, bytes_str(a->number));
	const char *chosen = choice ? choice->default_group : "";
	json_t *rows = ask_rows(a, answer);
	const json_t *row;
	size_t i;

	for (int others = 0; rows && others < 2; others++) {
		json_array_foreach(rows, i, row)
		{
			bool first = !strcmp(json_text(row, "name"), chosen);

			if (first != (others != 0) && ask_row(a))
				paging_row(a, row);
		}
	}
	if (rows)
		ask_list_end(a, PAGING_TO, "There are no paging groups.");
	json_decref(rows);
	json_decref(answer);
}

static void paging_page(struct phone_request *a)
{
	if (!ask_may_page(a)) {
		ask_end(a, 404);
		return;
	}
	phone_page_start(&a->out, "Paging");
	ask_command(a, "page.list", "", NULL, paging_on_rows);
}

/* ---- parked calls ---- */

#define PARKED_TO "/parked"

/* The slots of a tenant that the extension uses. */
struct parked_list {
	struct phone_request *ask;
	uint32_t count;
	struct parked_slot {
		char slot[STORE_SLOT_MAX + 1], by[COMMAND_USER_MAX];
		uint64_t since_utc_ms;
	} slots[STORE_SLOTS_MAX];
};

/* Who is parked may hide (RFC 3323), and is not shown. */
static void parked_on_slot(struct bytes slot, uint64_t call, struct bytes beside, void *arg)
{
	struct parked_list *l = arg;
	struct bytes number = bytes_str(l->ask->number), by = { 0 }, party;
	struct parked_slot *s = &l->slots[l->count];
	uint32_t cursor = 0;
	const struct shard *core = node_core_next(l->ask->node, &cursor);

	if (!call || l->count == STORE_SLOTS_MAX || !core ||
	    !shard_slot_is(core, l->ask->tenant, number, slot) ||
	    bytes_cstr(slot, s->slot, sizeof(s->slot)))
		return;
	(void)bytes_cut(&beside, ' ', &by);
	(void)bytes_cut(&beside, ' ', &party);
	(void)bytes_cstr(by, s->by, sizeof(s->by));
	s->since_utc_ms = 0;
	(void)bytes_u64(beside, &s->since_utc_ms);
	l->count++;
}

static int parked_order(const void *one, const void *other)
{
	const struct parked_slot *a = one, *b = other;

	return a->since_utc_ms != b->since_utc_ms ? (a->since_utc_ms < b->since_utc_ms ? 1 : -1)
						  : strcmp(a->slot, b->slot);
}

/* "Slot 70", which dials #4170: the parking user, by the number alone where no directory shows who
 * that is, and for how long. */
static void parked_row(struct phone_request *a, const struct parked_slot *s, const char *code)
{
	char label[LABEL_MAX], number[COMMAND_USER_MAX] = "", name[PERSON_ROOM] = "";
	uint64_t now_ms = clock_utc_ms();
	static struct extension e; /* too large for the stack */

	if (extensions_find(a->node->api.extensions, a->tenant, bytes_str(s->by), &e)) {
		if (!e.person.hidden)
			person_name(&e, name);
		extension_wipe(&e);
	}
	if (code[0] && strlen(s->slot) >= FEATURE_SLOT_MIN)
		(void)snprintf(number, sizeof(number), "%s%s", code, s->slot);
	phone_page_dial(&a->out, number, s->slot, "");
	(void)snprintf(label, sizeof(label), "%s%s%s, %" PRIu64 " min", name,
		       name[0] && s->by[0] ? " " : "", s->by,
		       now_ms > s->since_utc_ms ? (now_ms - s->since_utc_ms) / 60000 : 0);
	phone_page_text(&a->out, label);
}

static void parked_on_list(enum store_result result, uint64_t version, uint64_t count, void *arg)
{
	struct parked_list *l = arg;
	struct phone_request *a = l->ask;
	struct feature_codes own, codes;

	(void)version;
	(void)count;
	settings_codes_read(a->node->settings, &own);
	dial_plan_codes(dial_plans_of(a->node->common.dials, a->tenant), &own, &codes);
	qsort(l->slots, l->count, sizeof(l->slots[0]), parked_order);
	for (uint32_t i = 0; i < l->count; i++) {
		if (ask_row(a))
			parked_row(a, &l->slots[i], codes.code[FEATURE_PARK]);
	}
	free(l);
	if (result == STORE_OK)
		ask_list_end(a, PARKED_TO, "Nobody is parked.");
	else
		ask_end(a, 503);
}

static void parked_page(struct phone_request *a)
{
	struct parked_list *l = a->node->redis->store ? calloc(1, sizeof(*l)) : NULL;

	if (!l || !ask_may_park(a)) {
		ask_end(a, l ? 404 : 503);
		free(l);
		return;
	}
	l->ask = a;
	phone_page_start(&a->out, "Parked calls");
	store_park_list(a->node->redis->store,
			bytes_str(tenants_name(a->node->common.tenants, a->tenant)), parked_on_slot,
			parked_on_list, l);
}

/* ---- the first page ---- */

static void menu_page(struct phone_request *a)
{
	struct extension e;
	char name[PERSON_ROOM], record[RECORD_URL_MAX];

	if (!extensions_find(a->node->api.extensions, a->tenant, bytes_str(a->number), &e)) {
		ask_end(a, 404);
		return;
	}
	person_name(&e, name);
	provision_record_url(a->node, a->tenant, &e, a->r, record);
	extension_wipe(&e);
	if (a->device.features_off >> DEVICE_RECORD_KEY & 1)
		record[0] = '\0';
	phone_page_start(&a->out, name[0] ? name : a->number);
	if (ask_may_list(a))
		phone_page_link(&a->out, DIRECTORY_TO, "Directory");
	if (ask_may_page(a))
		phone_page_link(&a->out, PAGING_TO, "Paging");
	if (ask_may_park(a))
		phone_page_link(&a->out, PARKED_TO, "Parked calls");
	if (record[0])
		phone_page_link_out(&a->out, record, "Record");
	ask_end(a, 200);
}

static const struct phone_page_kind {
	const char *path; /* behind that of the link */
	void (*write)(struct phone_request *a);
} g_page_kinds[] = {
	{ "", menu_page },
	{ DIRECTORY_TO, directory_page },
	{ PAGING_TO, paging_page },
	{ PARKED_TO, parked_page },
};

/* The device that has that link now. False: none has. */
static bool ask_device(struct phone_request *a, struct bytes key)
{
	char link[PHONE_LINK_MAX], mac[PHONE_MAC_LEN + 1];
	struct bytes number = { 0 }, rest;

	(void)bytes_cstr(bytes_sub(key, 0, PHONE_MAC_LEN), mac, sizeof(mac));
	for (const struct device_entry *d = device_find(bytes_str(mac)); d; d = d->next) {
		if (!device_read(a->node, d, &a->device))
			continue;
		phone_pages_link(a->node, d->login.of, &a->device, link);
		if (!link[0] ||
		    !bytes_eq_secret(key, bytes_from(bytes_str(link), sizeof(BROWSER_HEAD) - 1)))
			continue;
		a->tenant = d->login.of;
		(void)snprintf(a->base, sizeof(a->base), "%s", link);
		rest = bytes_str(a->device.extensions);
		(void)bytes_cut(&rest, ',', &number);
		return !bytes_cstr(number, a->number, sizeof(a->number));
	}
	return false;
}

static void ask_start(struct phone_request *a, const struct phone_page_kind *kind)
{
	uint8_t *space;

	if (!phone_page_asked(bytes_str(a->r->arguments), a->search, &a->page)) {
		ask_end(a, 400);
		return;
	}
	space = ask_enter(a) ? malloc(PHONE_PAGE_MAX) : NULL;
	a->out = (struct phone_page){ writer_over(space, PHONE_PAGE_MAX), a->base, a->search };
	if (space)
		kind->write(a);
	else
		ask_end(a, 503);
}

void phone_page_answer(struct web_routed *r, void *arg)
{
	struct bytes rest = bytes_from(bytes_str(r->path), sizeof(BROWSER_HEAD) - 1);
	struct bytes key = bytes_sub(rest, 0, LINK_KEY), to = bytes_from(rest, key.n);
	struct phone_request *a = link_is_ours(key) ? calloc(1, sizeof(*a)) : NULL;
	const struct phone_page_kind *kind = NULL;

	if (!a) {
		provision_status(r, 404, 0);
		return;
	}
	a->r = r;
	a->node = arg;
	for (size_t i = 0; i < COUNT_OF(g_page_kinds); i++) {
		if (bytes_is(to, g_page_kinds[i].path))
			kind = &g_page_kinds[i];
	}
	if (kind && ask_device(a, key))
		ask_start(a, kind);
	else
		ask_end(a, 404);
}
