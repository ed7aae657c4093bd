/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/record/call_codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/seal.h"
#include "sig/host/settings.h"
#include "sig/host/toll.h"
#include "sig/record/proto.h"

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
	struct context x = context_of(c->id);
	struct schema_writer w = { 0 };
	size_t cap = record->n + SEAL_OVERHEAD;
	uint8_t *sealed = malloc(cap);
	ProtobufCMessageUnknownField *unknown = NULL;
	Tandem__Call__Call outer;
	size_t n = 0;
	int err = -ENOMEM;

	tandem__call__call__init(&outer);
	if (sealed)
		err = seal_make(&h->settings->seal_key, h->rand,
				bytes_mem(x.octets, sizeof(x.octets)), text_bytes(record), sealed,
				cap, &n);
	wipe(record);
	if (!err) {
		outer.id = c->id;
		outer.version = c->out.version;
		outer.format = h->packing->call.format; /* of what is sealed */
		outer.sealed = (ProtobufCBinaryData){ .len = n, .data = sealed };
		err = unknown_restore(&c->unknown, &outer.base, CALL_UNKNOWN_OUTER,
				      call_unknown_name, &unknown);
		if (!err)
			err = call_pack(h, &outer, &w, NULL, record);
		free(unknown);
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

static const char *open_sealed(const struct call_host *h, const Tandem__Call__Call *in,
			       Tandem__Call__Call **inner, struct text *kept, bool *later)
{
	struct context x = context_of(in->id);
	struct bytes sealed = bytes_mem(in->sealed.data, in->sealed.len);
	uint8_t *plain = malloc(sealed.n + 1);
	enum seal_refusal why = SEAL_FINE;
	const char *wrong = NULL;
	size_t n = 0;

	if (!plain)
		return "out of memory";
	if (seal_open(&h->settings->seal_key, bytes_mem(x.octets, sizeof(x.octets)), sealed, plain,
		      sealed.n, &n, &why))
		wrong = why_sealed(why);
	else
		*inner = tandem__call__call__unpack(NULL, n, plain);
	*later = why == SEAL_VERSION;
	*kept = (struct text){ .p = (char *)plain, .n = (uint32_t)n };
	return wrong;
}

const char *call_unseal(const struct call_host *h, Tandem__Call__Call **in, struct text *plain,
			bool *later)
{
	Tandem__Call__Call *inner = NULL;
	const char *wrong = open_sealed(h, *in, &inner, plain, later);

	if (!wrong && inner && (inner->id != (*in)->id || inner->sealed.len))
		wrong = "sealed record is of another call";
	tandem__call__call__free_unpacked(*in, NULL);
	*in = inner;
	return wrong;
}

uint64_t call_unknown_name(const ProtobufCMessage *element, size_t position)
{
	if (element->descriptor == &tandem__call__leg__descriptor) {
		const Tandem__Call__Leg *leg = (const Tandem__Call__Leg *)(const void *)element;

		return leg->index ? leg->index : position;
	}
	return position;
}
