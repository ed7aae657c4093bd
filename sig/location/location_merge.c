/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another node has written the entry. What it wrote is what we go on from: it knew our last version, or the phone has been with it since.
 * Of ours stays what no save has said yet, and no REGISTER waits for, binding by binding.
 */
#include <errno.h>

#include "sig/location/location_merge.h"
#include "sig/location/registrar_entry.h"

static bool is_named_alike(const struct binding *a, const struct binding *b)
{
	bool instances =
		a->instance.n && bytes_eq(text_bytes(&a->instance), text_bytes(&b->instance));

	if (a->reg_id || b->reg_id)
		return instances && a->reg_id == b->reg_id;
	return instances || bytes_eq(text_bytes(&a->contact), text_bytes(&b->contact));
}

static struct binding *binding_alike(const struct aor *a, const struct binding *b)
{
	for (uint32_t i = 0; i < a->count; i++) {
		if (is_named_alike(&a->bindings[i], b))
			return &a->bindings[i];
	}
	return NULL;
}

/* RFC 3261 10.3: by CSeq within a Call-ID, else by when it came. */
static bool is_newer(const struct binding *a, const struct binding *b)
{
	if (bytes_eq(text_bytes(&a->call_id), text_bytes(&b->call_id)))
		return a->cseq > b->cseq;
	return a->registered_utc_ms > b->registered_utc_ms;
}

/* A record knows no connection: ours are those that this process has. */
static void connections_keep(struct aor *theirs, const struct aor *ours)
{
	for (uint32_t i = 0; i < theirs->count; i++) {
		struct binding *b = &theirs->bindings[i];
		const struct binding *own = binding_alike(ours, b);

		if (own && !binding_is_foreign(b) && own->cseq == b->cseq &&
		    addr_eq(&own->hop.remote, &b->hop.remote)) {
			b->hop = own->hop;
			b->closed = own->closed;
		}
	}
}

/* A phone may have several Contacts under one name. */
static bool is_same_binding(const struct binding *a, const struct binding *b)
{
	if (a->reg_id || b->reg_id)
		return is_named_alike(a, b);
	return bytes_eq(text_bytes(&a->contact), text_bytes(&b->contact));
}

static bool aor_has(const struct aor *a, const struct binding *b)
{
	for (uint32_t i = 0; i < a->count; i++) {
		if (is_same_binding(&a->bindings[i], b))
			return true;
	}
	return false;
}

static int note_one(struct aor *left, const struct binding *b, const struct sip_message *m,
		    uint64_t utc_ms)
{
	struct binding gone;
	int err = binding_copy(&gone, b);

	if (err)
		return err;
	if (bytes_eq(text_bytes(&gone.call_id), m->call_id))
		gone.cseq = m->cseq;
	gone.registered_utc_ms = utc_ms;
	if (left->count == BINDINGS_MAX)
		aor_remove(left, 0);
	err = aor_append(left, &gone);
	binding_clear(&gone);
	return err;
}

int aor_note_left(struct aor *left, const struct aor *before, const struct aor *after,
		  const struct sip_message *m, uint64_t utc_ms)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < before->count; i++) {
		const struct binding *b = &before->bindings[i];

		if (b->expires_utc_ms > utc_ms && !aor_has(after, b))
			err = note_one(left, b, m, utc_ms);
	}
	return err;
}

/* What has left stays away, but for what came back later. */
static void bindings_leave(struct aor *theirs, const struct aor *left)
{
	for (uint32_t i = 0; left && i < left->count; i++) {
		const struct binding *gone = &left->bindings[i];

		for (uint32_t k = theirs->count; k-- > 0;) {
			if (is_same_binding(&theirs->bindings[k], gone) &&
			    !is_newer(&theirs->bindings[k], gone))
				aor_remove(theirs, k);
		}
	}
}

/* They knew of it, and wrote later than it was registered: it has left there. */
static bool has_left_there(const struct aor *theirs, const struct binding *b)
{
	return b->stored && b->registered_utc_ms <= theirs->written_utc_ms;
}

static int binding_take_over(struct aor *theirs, struct binding *b)
{
	struct binding *alike = binding_alike(theirs, b);

	if (alike ? !is_newer(b, alike) : has_left_there(theirs, b))
		return 0;
	if (alike)
		aor_remove(theirs, (uint32_t)(alike - theirs->bindings));
	if (theirs->count == BINDINGS_MAX)
		return 0;
	return aor_append(theirs, b);
}

int aor_merge(struct aor *ours, struct aor *theirs, const struct aor *left, bool ours_count)
{
	int err = 0;

	connections_keep(theirs, ours);
	bindings_leave(theirs, left);
	for (uint32_t i = 0; ours_count && !err && i < ours->count; i++)
		err = binding_take_over(theirs, &ours->bindings[i]);
	if (err)
		return err;
	aor_clear(ours);
	*ours = *theirs;
	*theirs = (struct aor){ 0 };
	return 0;
}
