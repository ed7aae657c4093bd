/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/remote/remote_list.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static uint64_t remote_hash(const struct remote_list *l, struct bytes tenant, struct bytes user)
{
	return hash_sip(&l->key, tenant) * 31 + hash_sip(&l->key, user);
}

static bool remote_is(const struct remote_entry *e, struct bytes tenant, struct bytes user)
{
	return bytes_eq(text_bytes(&e->tenant), tenant) && bytes_eq(text_bytes(&e->user), user);
}

struct remote_entry *remote_list_next(const struct remote_list *l, struct bytes tenant,
				      struct bytes user, uint32_t *cursor)
{
	uint64_t hash = remote_hash(l, tenant, user), at;

	while ((at = table_next(&l->by_user, hash, cursor)) != 0) {
		struct remote_entry *e = (struct remote_entry *)(uintptr_t)at;

		if (remote_is(e, tenant, user))
			return e;
	}
	return NULL;
}

struct remote_entry *remote_list_find(const struct remote_list *l, uint64_t process,
				      struct bytes tenant, struct bytes user)
{
	struct remote_entry *e;
	uint32_t cursor = 0;

	while ((e = remote_list_next(l, tenant, user, &cursor)) != NULL && e->process != process)
		;
	return e;
}

static void remote_free(struct remote_entry *e)
{
	text_clear(&e->tenant);
	text_clear(&e->user);
	free(e->dialogs);
	free(e);
}

static void remote_unlink(struct remote_list *l, struct remote_entry *e)
{
	*(e->prev ? &e->prev->next : &l->first) = e->next;
	*(e->next ? &e->next->prev : &l->last) = e->prev;
}

static void remote_link(struct remote_list *l, struct remote_entry *e)
{
	e->prev = NULL;
	e->next = l->first;
	*(e->next ? &e->next->prev : &l->last) = e;
	l->first = e;
}

static struct remote_entry *remote_new(struct remote_list *l, uint64_t process,
				       const struct remote_user *u)
{
	struct remote_entry *e = l->count < l->most ? calloc(1, sizeof(*e)) : NULL;

	if (!e)
		return NULL;
	e->hash = remote_hash(l, u->tenant, u->user);
	e->process = process;
	if (!text_set(&e->tenant, u->tenant) && !text_set(&e->user, u->user) &&
	    !table_put(&l->by_user, e->hash, (uintptr_t)e)) {
		l->count++;
		return e;
	}
	remote_free(e);
	return NULL;
}

struct remote_entry *remote_list_take(struct remote_list *l, uint64_t process,
				      const struct remote_user *u, uint64_t until_ns)
{
	struct remote_entry *e = remote_list_find(l, process, u->tenant, u->user);

	if (e)
		remote_unlink(l, e);
	else
		e = remote_new(l, process, u);
	if (!e)
		return NULL;
	remote_link(l, e);
	e->until_ns = until_ns;
	return e;
}

void remote_list_drop(struct remote_list *l, struct remote_entry *e)
{
	remote_unlink(l, e);
	(void)table_del(&l->by_user, e->hash, (uintptr_t)e);
	l->count--;
	remote_free(e);
}

/* ---- dialogs ---- */

static void remote_copy(struct writer *w, struct bytes *b)
{
	const uint8_t *at = w->p + w->n;

	writer_bytes(w, *b);
	*b = bytes_mem(at, b->n);
}

static size_t dialogs_octets(const struct remote_user *u)
{
	size_t n = 0;

	for (uint32_t i = 0; i < u->count; i++)
		n += u->dialogs[i].call_id.n + u->dialogs[i].tag.n + u->dialogs[i].local.n +
		     u->dialogs[i].remote.n;
	return n;
}

int remote_entry_fill(struct remote_entry *e, const struct remote_user *u)
{
	size_t n = u->count * sizeof(*e->dialogs);
	size_t octets = dialogs_octets(u);
	struct dialog_state *list = malloc(n + octets + 1);
	struct writer w;

	if (!list)
		return -ENOMEM;
	w = writer_over((uint8_t *)list + n, octets);
	for (uint32_t i = 0; i < u->count; i++) {
		list[i] = u->dialogs[i];
		remote_copy(&w, &list[i].call_id);
		remote_copy(&w, &list[i].tag);
		remote_copy(&w, &list[i].local);
		remote_copy(&w, &list[i].remote);
	}
	assert(!w.overflow);
	free(e->dialogs);
	e->dialogs = list;
	e->count = u->count;
	return 0;
}

bool remote_entry_is(const struct remote_entry *e, const struct remote_user *u)
{
	bool same = e->count == u->count;

	for (uint32_t i = 0; same && i < u->count; i++)
		same = e->dialogs[i].id == u->dialogs[i].id &&
		       e->dialogs[i].phase == u->dialogs[i].phase &&
		       e->dialogs[i].held == u->dialogs[i].held &&
		       e->dialogs[i].waits_utc_ms == u->dialogs[i].waits_utc_ms;
	return same;
}

/* ---- */

int remote_list_open(struct remote_list *l, uint32_t most, const struct hash_key *key)
{
	*l = (struct remote_list){ .key = *key, .most = most };
	return table_open(&l->by_user, most);
}

void remote_list_close(struct remote_list *l)
{
	while (l->first) {
		struct remote_entry *e = l->first;

		l->first = e->next;
		remote_free(e);
	}
	table_close(&l->by_user);
}
