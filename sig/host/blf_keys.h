/* SPDX-License-Identifier: Apache-2.0 */
/* The BLF keys of an extension's phones (BLF-01) as in its document: SLOT=blf:NUMBER or
 * SLOT=park:SLOT, each optionally followed by :LABEL, joined by ','. Pure. */
#ifndef SIG_HOST_BLF_H
#define SIG_HOST_BLF_H

#include "base/bytes.h"

/* BLF_DEFAULT: those of extensions, where a tenant does not say (ADM-17) */
enum {
	BLF_DEFAULT = 4,
	BLF_KEYS_MAX = 10,
	BLF_KEYS_TEXT_MAX = 768,
	BLF_TARGET_MAX = 32,
	BLF_LABEL_MAX = 32
};

struct blf_key {
	uint32_t slot; /* 1 to BLF_KEYS_MAX: where the phone has it */
	bool park;     /* a slot that calls are parked in; else an extension */
	struct bytes target, label;
};

/* Consumes the first entry of a valid list. Returns false at the end. */
bool blf_cut(struct bytes *list, struct blf_key *out);
/* The one in that slot. */
bool blf_at(struct bytes list, uint32_t slot, struct blf_key *out);
/* The first one of that target; slots and extensions never meet. */
bool blf_key_of(struct bytes list, bool park, struct bytes target, struct blf_key *out);
/* NULL, or what is wrong. */
const char *blf_keys_wrong(struct bytes list);

#endif
