/* SPDX-License-Identifier: Apache-2.0 */
/* Resource list subscriptions (list.h, RFC 4662): the users of each list, linked to shared entries
 * of watched users, and the multipart documents with the states that changed. A document has a size
 * limit; what does not fit follows in the next NOTIFY, with each resource always whole. Used for
 * lists in a SUBSCRIBE body and for the BLF keys of a document. */

#include "sig/subscription/list.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "sig/host/host.h"
#include "sig/sip/body.h"

/* ---- who is in which lists ---- */

struct watched {
	struct watched *next; /* of its bucket */
	struct list_resource *first;
	uint32_t hash, count; /* count: of lists */
	uint16_t tenant, n;
	char user[];
};
static_assert(LIST_RESOURCES_MAX <= UINT8_MAX + 1, "an index of eight bits");

static struct watched **watched_place(const struct subscriptions *s, uint16_t tenant,
				      struct bytes user, uint32_t *hash)
{
	struct watched **at;

	*hash = (uint32_t)tenant_hash(hash_sip(&s->key, user), tenant);
	at = &s->watched[*hash & s->mask];
	while (*at && ((*at)->hash != *hash || (*at)->tenant != tenant ||
		       !bytes_eq(bytes_mem((*at)->user, (*at)->n), user)))
		at = &(*at)->next;
	return at;
}

static struct watched *watched_get(struct subscriptions *s, uint16_t tenant, struct bytes user)
{
	uint32_t hash;
	struct watched **at = watched_place(s, tenant, user, &hash), *w = *at;

	if (w)
		return w;
	w = malloc(sizeof(*w) + user.n);
	if (!w)
		return NULL;
	*w = (struct watched){ .hash = hash, .tenant = tenant, .n = (uint16_t)user.n };
	memcpy(w->user, user.p, user.n);
	*at = w;
	return w;
}

/* No list has it any more. */
static void watched_put(struct subscriptions *s, struct watched *w)
{
	uint32_t hash;

	if (w->first)
		return;
	*watched_place(s, w->tenant, bytes_mem(w->user, w->n), &hash) = w->next;
	free(w);
}

struct bytes list_user(const struct list_resource *r)
{
	return bytes_mem(r->of->user, r->of->n);
}

struct list_resource *list_with(const struct subscriptions *s, uint16_t tenant, struct bytes user)
{
	uint32_t hash;
	struct watched *w = *watched_place(s, tenant, user, &hash);

	return w ? w->first : NULL;
}

uint32_t list_watchers(const struct subscriptions *s, uint16_t tenant, struct bytes user)
{
	uint32_t hash;
	struct watched *w = *watched_place(s, tenant, user, &hash);

	return w ? w->count : 0;
}

static void list_free(struct subscriptions *s, struct subscription_list *list)
{
	for (uint32_t i = 0; list && i < list->count; i++) {
		struct list_resource *r = &list->resources[i], **at = &r->of->first;

		while (*at != r)
			at = &(*at)->next;
		*at = r->next;
		r->of->count--;
		watched_put(s, r->of);
	}
	free(list);
}

void list_clear(struct subscriptions *s, struct subscription *sub)
{
	list_free(s, sub->list);
	sub->list = NULL;
}

/* The same user twice is one resource (RFC 5363 5). False: no memory. */
static bool list_add_user(struct subscriptions *s, struct subscription_list *list,
			  struct bytes user)
{
	struct list_resource *r = &list->resources[list->count];
	struct watched *w = watched_get(s, list->sub->tenant, user);

	for (uint32_t i = 0; w && i < list->count; i++) {
		if (list->resources[i].of == w)
			return true;
	}
	if (!w)
		return false;
	*r = (struct list_resource){ .of = w, .next = w->first, .index = (uint8_t)list->count };
	w->first = r;
	w->count++;
	list->count++;
	return true;
}

void list_write_users(struct writer *w, const struct subscription_list *list)
{
	for (uint32_t i = 0; list && i < list->count; i++) {
		writer_str(w, i ? " " : "");
		writer_bytes(w, list_user(&list->resources[i]));
	}
}

int list_set(struct subscriptions *s, struct subscription *sub, struct bytes users)
{
	struct subscription_list *list;
	struct bytes rest = users, user;
	uint32_t count = 0;

	while (bytes_cut(&rest, ' ', &user))
		count += user.n != 0;
	if (count > LIST_RESOURCES_MAX)
		return -ENOMEM;
	list = malloc(sizeof(*list) + count * sizeof(list->resources[0]));
	if (!list)
		return -ENOMEM;
	*list = (struct subscription_list){ .sub = sub };
	while (bytes_cut(&users, ' ', &user)) {
		if (user.n && !list_add_user(s, list, user)) {
			list_free(s, list);
			return -ENOMEM;
		}
	}
	list_clear(s, sub);
	sub->list = list;
	return 0;
}

void list_changed(struct subscriptions *s, struct list_resource *r, bool anew)
{
	r->changed = r->first = true;
	if (anew)
		r->told = 0;
	subscription_change(s, list_of_resource(r)->sub);
}

bool list_has_changed(const struct subscription_list *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		if (list->resources[i].changed && list->resources[i].first)
			return true;
	}
	return false;
}

/* ---- documents ---- */

/* A token without quotes: belle-sip, the stack of linphone, takes quotes for a part of it, and
 * crashes then. */
#define LIST_BOUNDARY "_list_"

enum { PARTS_MAX = HOST_SPACE / 2, FRAME_MAX = 320, URI_MAX = 512 };

struct list_document {
	struct subscriptions *s;
	struct subscription *sub;
	struct sip_uri uri; /* of the list */
	struct writer meta, parts;
	size_t most, bare; /* bare: of resources that are still to be named, without a state */
	bool any;
	struct {
		size_t bare;
		enum watch_verdict verdict; /* WATCH_VERDICTS: without a state */
	} resources[LIST_RESOURCES_MAX];
};

/* Each part of each document has its own (RFC 2392). */
static void cid_write(struct writer *w, const struct subscription *sub, uint32_t part)
{
	char id[BASE32_U64_LEN];

	base32_u64_put(id, sub->id);
	writer_number(w, "", part, ".");
	writer_number(w, "", sub->dialog.local_cseq, ".");
	writer_mem(w, id, sizeof(id));
	writer_str(w, "@tandem.invalid");
}

void list_write_type(struct writer *w, const struct subscription *sub)
{
	writer_str(w, "multipart/related;type=\"application/rlmi+xml\";start=\"<");
	cid_write(w, sub, 0);
	writer_str(w, ">\";boundary=" LIST_BOUNDARY);
}

static void part_open(struct writer *w, const struct subscription *sub, uint32_t part,
		      const char *type)
{
	WRITER_TEXTS(w, "--" LIST_BOUNDARY "\r\nContent-Type: ", type,
		     ";charset=\"UTF-8\"\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <");
	cid_write(w, sub, part);
	writer_str(w, ">\r\n\r\n");
}

static void list_write_user(struct writer *w, struct bytes user)
{
	for (size_t i = 0; i < user.n; i++) {
		uint8_t c = user.p[i];

		if (isalnum(c) || strchr("-_.!~*'()&=+$,;?/", c))
			writer_u8(w, c);
		else
			writer_fmt(w, "%%%02X", c);
	}
}

/* "sip:1002@example.org": at the host of the list. One that came with another host has it still. */
static void uri_write(struct writer *w, const struct sip_uri *list, struct bytes user)
{
	bool v6 = bytes_find(list->host, ':') < list->host.n;

	writer_str(w, "sip:");
	if (bytes_find(user, '@') < user.n) {
		writer_bytes(w, user);
		return;
	}
	list_write_user(w, user);
	writer_str(w, v6 ? "@[" : "@");
	writer_bytes(w, list->host);
	writer_str(w, v6 ? "]" : "");
	if (list->port)
		writer_number(w, ":", list->port, "");
}

/* stateless: RFC 4662 4.5: that there is more to know of it is for a later document. */
static void resource_open(struct list_document *d, const struct list_resource *r, bool stateless)
{
	char space[URI_MAX];
	struct writer uri = writer_over(space, sizeof(space)), *w = &d->meta;
	struct bytes name = d->s->view.name ? d->s->view.name(d->s->view.owner, d->sub, r->index)
					    : (struct bytes){ 0 };

	uri_write(&uri, &d->uri, list_user(r));
	writer_str(w, "<resource uri=\"");
	xml_write(w, writer_done(&uri));
	writer_str(w, stateless && !name.n ? "\"/>\r\n" : "\">");
	if (name.n) {
		writer_str(w, "<name>");
		xml_write(w, name);
		writer_str(w, stateless ? "</name></resource>\r\n" : "</name>");
	}
}

static size_t resource_bare(struct list_document *d, const struct list_resource *r)
{
	size_t from = d->meta.n;

	resource_open(d, r, true);
	return d->meta.n - from;
}

static void resource_end(struct list_document *d, const struct list_resource *r,
			 enum watch_verdict verdict)
{
	struct writer *w = &d->meta;

	resource_open(d, r, false);
	if (verdict == WATCH_OK || verdict == WATCH_HIDDEN) {
		writer_str(w, "<instance id=\"1\" state=\"active\" cid=\"");
		cid_write(w, d->sub, r->index + 1U);
		writer_str(w, "\"/></resource>\r\n");
		return;
	}
	WRITER_TEXTS(w, "<instance id=\"1\" state=\"terminated\" reason=\"",
		     subscription_ending_name(verdict == WATCH_REJECTED ? ENDING_REJECTED
									: ENDING_NORESOURCE),
		     "\"/></resource>\r\n");
}

/* As if it were watched alone: its state, and a hash of that. */
static uint32_t resource_state(struct list_document *d, const struct list_resource *r,
			       enum watch_verdict *verdict)
{
	char space[URI_MAX + 2];
	struct writer local = writer_over(space, sizeof(space));
	struct bytes user = list_user(r);
	const struct event_package *p = d->sub->package;
	struct subscription one = { .tenant = d->sub->tenant,
				    .package = d->sub->package,
				    .watcher = d->sub->watcher,
				    .trunk = d->sub->trunk,
				    .resource = { .p = r->of->user, .n = (uint32_t)user.n },
				    .whole = true };

	*verdict = d->s->view.may(d->s->view.owner, &one);
	if (*verdict != WATCH_OK && *verdict != WATCH_HIDDEN)
		return *verdict;
	writer_str(&local, "<");
	uri_write(&local, &d->uri, user);
	writer_str(&local, ">");
	one.dialog.local = (struct text){ .p = space, .n = (uint32_t)local.n };
	one.dialog.local_cseq = d->sub->dialog.local_cseq;
	part_open(&d->parts, d->sub, r->index + 1U, p->type);
	return subscription_write(d->s, &one, *verdict == WATCH_HIDDEN, &d->parts);
}

/* False: it does not fit. In a document that tells of nothing else it does. */
static bool resource_write(struct list_document *d, struct list_resource *r)
{
	const struct writer meta = d->meta, parts = d->parts;
	enum watch_verdict verdict;
	uint32_t told = resource_state(d, r, &verdict);
	bool known = !d->sub->whole && told == r->told, alone = !d->sub->whole && !d->any;

	if (d->parts.n > parts.n)
		writer_str(&d->parts, "\r\n");
	resource_end(d, r, verdict);
	if (known || d->parts.overflow || (!alone && d->meta.n + d->parts.n + d->bare > d->most)) {
		d->meta = meta;
		d->parts = parts;
		r->changed = !known;
		return known;
	}
	d->any = true;
	d->resources[r->index].verdict = verdict;
	r->told = told;
	r->changed = r->first = false;
	return true;
}

/* A full document makes its reader forget earlier states (RFC 4662 5.6.1): a BLF key without a
 * state is dark. */
static bool resource_is_lit(struct list_document *d, const struct list_resource *r)
{
	struct dialog_state dialogs[DIALOG_STATES_MAX];
	const struct subscription *sub = d->sub;

	return !sub->package->of_blf || d->s->view.dialogs(d->s->view.owner, sub->package,
							   sub->tenant, list_user(r), dialogs) != 0;
}

/* The states of those that are sent first, or of the others. A full document has none behind the
 * first one that does not fit: none is generated in vain. Returns false if it is full. */
static bool states_write(struct list_document *d, bool first)
{
	struct subscription_list *list = d->sub->list;

	for (uint32_t i = 0; i < list->count; i++) {
		struct list_resource *r = &list->resources[i];

		if (!r->changed || r->first != first)
			continue;
		d->bare -= d->resources[i].bare;
		if (!resource_write(d, r)) {
			d->bare += d->resources[i].bare;
			return false;
		}
	}
	return true;
}

/* In the order of the list. *more: of some nothing is told yet. */
static void resources_write(struct list_document *d, bool *more)
{
	struct subscription_list *list = d->sub->list;
	const struct writer meta = d->meta;

	for (uint32_t i = 0; i < list->count; i++) {
		struct list_resource *r = &list->resources[i];

		d->resources[i].verdict = WATCH_VERDICTS;
		if (!d->sub->whole)
			continue;
		d->bare += d->resources[i].bare = resource_bare(d, r);
		r->first = resource_is_lit(d, r);
		r->changed = true;
		r->told = 0;
	}
	d->meta = meta;
	*more = d->meta.n + d->bare > d->most || !states_write(d, true) || !states_write(d, false);
	d->meta = meta;
	for (uint32_t i = 0; i < list->count; i++) {
		if (d->resources[i].verdict != WATCH_VERDICTS)
			resource_end(d, &list->resources[i], d->resources[i].verdict);
		else if (d->sub->whole)
			(void)resource_bare(d, &list->resources[i]);
	}
}

static void meta_open(struct list_document *d)
{
	struct writer *w = &d->meta;

	writer_str(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		      "<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"");
	xml_write(w, d->uri.all);
	writer_number(w, "\" version=\"", d->sub->dialog.local_cseq, "\" fullState=\"");
	WRITER_TEXTS(w, d->sub->whole ? "true" : "false", "\">\r\n");
}

bool list_write(struct subscriptions *s, struct subscription *sub, size_t most, struct writer *w,
		bool *more)
{
	uint8_t *space = s->host->space;
	struct list_document d = { .s = s,
				   .sub = sub,
				   .meta = writer_over(space + PARTS_MAX, HOST_SPACE - PARTS_MAX),
				   .parts = writer_over(space, PARTS_MAX),
				   .most = most - FRAME_MAX };
	struct sip_name_addr to;

	if (!sip_name_addr_parse(&to, text_bytes(&sub->dialog.local)))
		d.uri = to.uri;
	meta_open(&d);
	resources_write(&d, more);
	if (!d.any && !sub->whole && !sub->ending)
		return false;
	writer_str(&d.meta, "</list>\r\n\r\n");
	part_open(w, sub, 0, "application/rlmi+xml");
	w->overflow |= d.meta.overflow;
	writer_bytes(w, writer_done(&d.meta));
	writer_bytes(w, writer_done(&d.parts));
	writer_str(w, "--" LIST_BOUNDARY "--\r\n");
	return true;
}
