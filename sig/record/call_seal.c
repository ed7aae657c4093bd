/* SPDX-License-Identifier: Apache-2.0 */
/* Seals and opens records of calls that contain SRTP keys (call_codec.h) by the cluster's seal key
 * (base/seal.h). The seal is bound to the call's id, so a record cannot be replayed as another
 * call's; only id, version and format stay readable. Buffers with plain keys are wiped. */

#include "sig/record/call_codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/seal.h"
#include "sig/host/settings.h"

/* What a sealed record belongs to: it opens as no other call's. */
struct context {
	uint8_t octets[8];
};

static struct context context_of(uint64_t call)
{
	struct context x;

	be64_put(x.octets, call);
	return x;
}

static void wipe(struct text *t)
{
	if (t->p)
		explicit_bzero(t->p, t->n);
	text_clear(t);
}

int call_seal(const struct call_host *h, const struct call *c, struct text *record)
{
	const struct schema_place place = { .path = CALL_UNKNOWN_OUTER };
	struct context x = context_of(c->id);
	/* of what is sealed it has the format alone */
	struct call_context outer = { .format = h->packing->beside.format };
	struct schema_writer w = { .unknown = &c->unknown, .place = &place, .beside = &outer };
	size_t cap = record->n + SEAL_OVERHEAD;
	uint8_t *sealed = malloc(cap);
	size_t n = 0;
	int err = -ENOMEM;

	if (sealed)
		err = seal_make(&h->settings->seal_key, h->rand,
				bytes_mem(x.octets, sizeof(x.octets)), text_bytes(record), sealed,
				cap, &n);
	wipe(record);
	if (!err) {
		outer.sealed = (struct text){ .p = (char *)sealed, .n = (uint32_t)n };
		err = call_pack(h, &w, call_outer_rows, c, record);
	}
	free(sealed);
	return err;
}

static const char *why_sealed(enum seal_refusal why)
{
	switch (why) {
	case SEAL_TRUNCATED:
		return "sealed record is cut short";
	case SEAL_VERSION:
		return "sealed record is of a later program";
	case SEAL_KEY:
		return "sealed record wants another key";
	case SEAL_FINE:
	case SEAL_FORGED:
		break;
	}
	return "sealed record does not open: another key, or changed";
}

const char *call_unseal(const struct call_host *h, uint64_t call, struct bytes sealed,
			struct text *out, bool *later)
{
	struct context x = context_of(call);
	uint8_t *plain = malloc(sealed.n + 1);
	enum seal_refusal why = SEAL_FINE;
	size_t n = 0;
	int err;

	if (!plain)
		return "out of memory";
	err = seal_open(&h->settings->seal_key, bytes_mem(x.octets, sizeof(x.octets)), sealed,
			plain, sealed.n, &n, &why);
	*later = why == SEAL_VERSION;
	*out = (struct text){ .p = (char *)plain, .n = (uint32_t)n };
	return err ? why_sealed(why) : NULL;
}
