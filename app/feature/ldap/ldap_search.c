/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients of LDAP ask. A bind proves number and password of an extension as pages do
 * (app/command/page.h), so guesses count as those of phones. A search is contact.list and
 * directory.list in the name of that extension, page by page, so rights and bounds are theirs; the
 * filter is evaluated here. Nothing can be changed. Control thread.
 */
#include <stdlib.h>
#include <string.h>

#include "app/command/page.h"
#include "app/document/extensions.h"
#include "app/feature/ldap/ldap_client.h"
#include "app/node/node.h"
#include "app/settings/settings.h"
#include "base/json_member.h"
#include "sig/host/tenant_tables.h"

enum {
	SEARCHES_MAX = 64, /* at once */
	ENTRIES_MAX = 1000,
	ROWS_MAX = 40000, /* that are looked at: all that a tenant can have in both books */
	SEARCH_PAGE = 500,
	TAG_SEARCH_DONE = 0x65,
	END_ROOM = 256, /* of the result behind the entries */
};

static struct fair g_searches; /* closed while nothing is taken */

struct ldap_search {
	struct ldap_client *client;
	struct ldap_request q; /* slices of text */
	uint8_t text[LDAP_MESSAGE_MAX];
	char folded[LDAP_FILTER_ROOM];
	bool own, shared; /* what is still to be asked */
	json_t *args;
	uint32_t entries, rows;
	struct fair_held held;
	struct bytes only; /* the DN of one entry; empty: all */
	struct ldap_entry entry;
};

static void result_put(struct ldap_client *c, const struct ldap_request *q, enum ldap_result result,
		       const char *why)
{
	ldap_result_write(&c->out, q->id, q->answer_tag, result, why);
}

/* ---- who it is ---- */

struct ldap_proof {
	bool proven;
	unsigned status;
};

static void proof_on_page(struct page_run *run)
{
	((struct ldap_proof *)run->arg)->proven = true;
}

static void proof_on_refused(struct page_run *run, const struct page_answer *answer, void *arg)
{
	(void)run;
	((struct ldap_proof *)arg)->status = answer->status;
	free(answer->text);
}

static const struct app_page g_ldap_bind = { .path = "ldap",
					     .reads = "directory.list",
					     .answer = proof_on_page };

/* Reads the present secret of the extension. False: no such extension, or disabled. */
static bool ldap_secret_of(const struct ldap_client *c, struct digest_secret *out)
{
	struct extension e;
	uint16_t tenant = tenants_find(c->node->common.tenants, bytes_str(c->tenant));
	bool there = tenant != TENANT_NONE &&
		     extensions_find(c->node->api.extensions, tenant, bytes_str(c->number), &e);

	if (!there)
		return false;
	there = e.core.enabled;
	*out = e.core.secret;
	extension_wipe(&e);
	return there;
}

/* Whether the client is bound. A changed password ends the bind. */
static bool ldap_client_is_bound(const struct ldap_client *c)
{
	struct digest_secret now;
	bool same =
		c->number[0] && ldap_secret_of(c, &now) && !memcmp(&now, &c->secret, sizeof(now));

	explicit_bzero(&now, sizeof(now));
	return same;
}

static void ldap_client_unbind(struct ldap_client *c)
{
	c->number[0] = c->tenant[0] = '\0';
	explicit_bzero(&c->secret, sizeof(c->secret));
}

static enum ldap_result proof_result(unsigned status, const char **why)
{
	*why = status == 429   ? "too many wrong passwords: try again later"
	       : status == 403 ? "the extension is not enabled"
	       : status == 503 ? "the node has no shard yet"
			       : "number or password is wrong";
	return status == 429   ? LDAP_RESULT_BUSY
	       : status == 503 ? LDAP_RESULT_UNAVAILABLE
			       : LDAP_RESULT_CREDENTIALS;
}

static void ldap_client_prove(struct ldap_client *c, const struct ldap_request *q)
{
	struct page_run *run = calloc(1, sizeof(*run));
	struct ldap_proof proof = { .status = 503 };
	const char *why = "";
	enum ldap_result result = LDAP_RESULT_SUCCESS;

	if (!run || !ldap_name_read(q->name, c->number, c->tenant) ||
	    bytes_cstr(q->password, run->password, sizeof(run->password)) ||
	    memchr(q->password.p, 0, q->password.n)) {
		proof.status = 401;
	} else {
		run->page = &g_ldap_bind;
		run->who.source = c->peer;
		run->who.role = COMMAND_FOR_READER;
		(void)bytes_cstr(bytes_str(c->tenant), run->who.tenant, sizeof(run->who.tenant));
		(void)bytes_cstr(bytes_str(c->number), run->who.user, sizeof(run->who.user));
		run->done = proof_on_refused;
		run->arg = &proof;
		page_start(run, c->node);
	}
	page_free(run);
	if (!proof.proven || !ldap_secret_of(c, &c->secret)) {
		ldap_client_unbind(c);
		result = proof_result(proof.status, &why);
	}
	result_put(c, q, result, why);
}

static void ldap_client_bind(struct ldap_client *c, const struct ldap_request *q)
{
	ldap_client_unbind(c);
	if (q->version != 3)
		result_put(c, q, LDAP_RESULT_PROTOCOL_ERROR, "version 3 alone");
	else if (!q->simple)
		result_put(c, q, LDAP_RESULT_AUTH_METHOD, "a name and a password alone");
	else if (!q->name.n && !q->password.n) /* anonymous: RFC 4513 5.1.1 */
		result_put(c, q, LDAP_RESULT_SUCCESS, "");
	else if (!q->password.n) /* RFC 4513 5.1.2 */
		result_put(c, q, LDAP_RESULT_UNWILLING, "a password is needed");
	else
		ldap_client_prove(c, q);
}

/* ---- a search ---- */

static void ldap_search_next(struct ldap_search *s);

static void ldap_search_free(struct ldap_search *s)
{
	fair_give(&g_searches, &s->held);
	if (!g_searches.taken)
		fair_close(&g_searches);
	json_decref(s->args);
	free(s);
}

static void ldap_search_end(struct ldap_search *s, enum ldap_result result, const char *why)
{
	struct ldap_client *c = s->client;

	c->out.cap += END_ROOM;
	ldap_result_write(&c->out, s->q.id, TAG_SEARCH_DONE, result, why);
	ldap_search_free(s);
	c->searching = false;
	ldap_client_answered(c);
}

/* Returns the tenant's present dial plan: its document may change, or go, between two pages. */
static const struct dial_plan *ldap_search_dials(const struct ldap_search *s)
{
	const struct node *n = s->client->node;

	return dial_plans_of(n->common.dials,
			     tenants_find(n->common.tenants, bytes_str(s->client->tenant)));
}

/* Sends a row that matches. Returns false if the search is over for lack of room. */
static bool ldap_search_row(struct ldap_search *s, const struct dial_plan *dials, const json_t *row)
{
	struct ldap_client *c = s->client;
	struct writer before = c->out;

	if (!ldap_entry_make(&s->entry, row, c->tenant, s->own) ||
	    (s->only.n && !bytes_ieq(s->only, bytes_str(s->entry.dn))) ||
	    !ldap_entry_matches(&s->entry, &s->q, dials))
		return true;
	if (s->entries == ENTRIES_MAX || (s->q.size_limit && s->entries == s->q.size_limit))
		return false;
	ldap_entry_write(&c->out, &s->q, &s->entry);
	if (!c->out.overflow) {
		s->entries++;
		return true;
	}
	c->out = before;
	return false;
}

static void ldap_search_goes_on(struct ldap_search *s, const json_t *answer)
{
	json_t *next = json_object_get(answer, "next");

	if (next) {
		(void)json_object_set(s->args, "cursor", next);
	} else {
		(void)json_object_del(s->args, "cursor");
		if (s->own)
			s->own = false;
		else
			s->shared = false;
	}
	if (s->rows > ROWS_MAX)
		ldap_search_end(s, LDAP_RESULT_ADMIN_LIMIT, "too many contacts were looked at");
	else
		ldap_search_next(s);
}

static void ldap_search_on_page(json_t *answer, void *arg)
{
	struct ldap_search *s = arg;
	bool failed = json_object_get(answer, "error") || json_object_get(answer, "missing");
	char *text = failed ? NULL : command_result_text(answer);
	json_t *rows = text ? json_loads(text, 0, NULL) : NULL;
	const struct dial_plan *dials = ldap_search_dials(s);
	bool full = false;
	const json_t *row;
	size_t i;

	free(text);
	s->rows += (uint32_t)json_array_size(rows);
	json_array_foreach(rows, i, row) full = full || !ldap_search_row(s, dials, row);
	if (!rows)
		ldap_search_end(s, LDAP_RESULT_UNAVAILABLE,
				"the contacts are not known now: try again");
	else if (s->client->fd < 0)
		ldap_search_end(s, LDAP_RESULT_UNAVAILABLE, "");
	else if (full)
		ldap_search_end(s, LDAP_RESULT_SIZE_LIMIT, "");
	else
		ldap_search_goes_on(s, answer);
	json_decref(rows);
	json_decref(answer);
}

static void ldap_search_next(struct ldap_search *s)
{
	struct ldap_client *c = s->client;
	struct command_principal who = {
		.role = COMMAND_FOR_READER, .source = c->peer, .door = "ldap", .by = c->number
	};
	char id[BASE32_U64_LEN + 8] = "ldap ";
	json_t *args;

	if (!s->own && !s->shared) {
		ldap_search_end(s, LDAP_RESULT_SUCCESS, "");
		return;
	}
	(void)bytes_cstr(bytes_str(c->tenant), who.tenant, sizeof(who.tenant));
	(void)bytes_cstr(bytes_str(c->number), who.user, sizeof(who.user));
	base32_u64_put(id + 5, rand_u64_from(&c->node->rand));
	id[5 + BASE32_U64_LEN] = '\0';
	args = json_copy(s->args);
	if (s->own)
		(void)json_object_set_new(args, "user", json_string(c->number));
	command_start(c->node, &who, bytes_str(s->own ? "contact.list" : "directory.list"),
		      bytes_str(id), args, ldap_search_on_page, s);
	json_decref(args);
}

/* Returns false if no place is left, for all or in the share of the tenant, extension or source. */
static bool ldap_search_enter(struct ldap_search *s)
{
	const struct ldap_client *c = s->client;
	const struct addr source = addr_source(&c->peer);
	const struct fair_who who = {
		.name = { [FAIR_TENANT] = bytes_str(c->tenant),
			  [FAIR_SOURCE] = bytes_mem(source.ip, sizeof(source.ip)),
			  [FAIR_USER] = bytes_str(c->number) },
	};

	if (!g_searches.max)
		fair_open(&g_searches, SEARCHES_MAX, &c->node->rand);
	return fair_admit(&g_searches, &who, 1, &s->held) == FAIR_FINE;
}

/* Decides by base and filter whether own contacts, shared entries, both or none are read. */
static void ldap_search_plan(struct ldap_search *s, enum ldap_place place, bool own)
{
	char hint[LDAP_HINT_MAX];
	enum ldap_hint kind = ldap_filter_hint(&s->q, hint);
	bool entries = (place == LDAP_ENTRY || s->q.scope != LDAP_AT_BASE) &&
		       ldap_filter_fold(&s->q, ldap_search_dials(s), s->folded);

	entries = entries && kind != LDAP_HINT_NEVER;
	s->own = entries && (place == LDAP_ROOT || place == LDAP_TREE || own);
	s->shared = entries && (place == LDAP_ROOT || place == LDAP_TREE || !own);
	s->own = s->own && s->client->node->settings->archive.enabled;
	if (place == LDAP_ENTRY)
		s->only = bytes_trim(s->q.base);
	s->args = json_pack("{s:i}", "limit", SEARCH_PAGE);
	if (kind == LDAP_HINT_TEXT)
		(void)json_object_set_new(s->args, "search", json_string(hint));
}

static void ldap_client_search(struct ldap_client *c, struct ldap_request *q, struct bytes message)
{
	struct ldap_search *s;
	enum ldap_place place;
	bool own, bound = ldap_client_is_bound(c);

	if (!bound)
		ldap_client_unbind(c);
	place = ldap_place_of(q->base, c->tenant, &own);
	if (place == LDAP_ROOT && q->scope == LDAP_AT_BASE) {
		ldap_root_write(&c->out, q, c->tenant, !c->tls && ldap_has_tls());
		return;
	}
	if (!bound || place == LDAP_NOWHERE) {
		result_put(c, q, bound ? LDAP_RESULT_NO_OBJECT : LDAP_RESULT_RIGHTS,
			   bound ? "the base is o= and the name of the tenant"
				 : "bind as an extension first");
		return;
	}
	s = calloc(1, sizeof(*s));
	if (s)
		s->client = c;
	if (!s || !ldap_search_enter(s)) {
		free(s);
		result_put(c, q, LDAP_RESULT_BUSY, "too many searches at once: try again");
		return;
	}
	memcpy(s->text, message.p, message.n); /* which has been parsed once */
	if (ldap_request_parse(&s->q, bytes_mem(s->text, message.n))) {
		ldap_search_free(s);
		result_put(c, q, LDAP_RESULT_PROTOCOL_ERROR, "");
		return;
	}
	c->searching = true;
	c->out.cap -= END_ROOM;
	ldap_search_plan(s, place, own);
	ldap_search_next(s);
}

/* Starts TLS (RFC 4511 4.14). Plain octets behind the request and a former bind count no more. */
static void ldap_client_start_tls(struct ldap_client *c, const struct ldap_request *q, bool last)
{
	if (!bytes_is(q->name, LDAP_START_TLS)) {
		result_put(c, q, LDAP_RESULT_PROTOCOL_ERROR,
			   "no other extended operation than StartTLS is known here");
	} else if (c->tls || !last) {
		c->ends = !c->tls;
		result_put(c, q, LDAP_RESULT_OPERATIONS_ERROR,
			   c->tls ? "this is TLS" : "a request came behind it, in plain");
	} else if (!ldap_has_tls()) {
		result_put(c, q, LDAP_RESULT_UNAVAILABLE, "the node has no certificate");
	} else {
		ldap_client_unbind(c);
		c->starts = true;
		result_put(c, q, LDAP_RESULT_SUCCESS, "");
	}
}

bool ldap_client_request(struct ldap_client *c, struct bytes message)
{
	struct ldap_request q;

	if (ldap_request_parse(&q, message) || q.op == LDAP_OP_UNBIND)
		return false;
	if (!q.answer_tag) /* RFC 4511 4.11: what is being answered is answered */
		return true;
	if (q.critical)
		result_put(c, &q, LDAP_RESULT_CRITICAL_EXTENSION, "no control is known here");
	else if (q.op == LDAP_OP_BIND)
		ldap_client_bind(c, &q);
	else if (q.op == LDAP_OP_SEARCH)
		ldap_client_search(c, &q, message);
	else if (q.op == LDAP_OP_EXTENDED)
		ldap_client_start_tls(c, &q, message.n == c->in_n);
	else
		result_put(c, &q, LDAP_RESULT_UNWILLING, "this directory is read only");
	return true;
}
