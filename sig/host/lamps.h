/* SPDX-License-Identifier: Apache-2.0 */
/* The BLF keys of an extension's phones (BLF-01) as in its document: SLOT=blf:NUMBER or
 * SLOT=park:SLOT, each optionally followed by :LABEL, joined by ','. Pure. */
#ifndef SIG_HOST_LAMPS_H
#define SIG_HOST_LAMPS_H

#include "base/bytes.h"

/* BLF_LAMPS: those of extensions, where a tenant does not say (ADM-17) */
enum {
	BLF_LAMPS = 4,
	LAMPS_MAX = 10,
	LAMPS_TEXT_MAX = 768,
	LAMP_TARGET_MAX = 32,
	LAMP_LABEL_MAX = 32
};

struct lamp {
	uint32_t slot; /* 1 to LAMPS_MAX: where the phone has it */
	bool park;     /* a slot that calls are parked in; else an extension */
	struct bytes target, label;
};

/* Consumes the first entry of a valid list. Returns false at the end. */
bool lamps_cut(struct bytes *list, struct lamp *out);
/* The one in that slot. */
bool lamps_in(struct bytes list, uint32_t slot, struct lamp *out);
/* The first one of that target; slots and extensions never meet. */
bool lamps_of(struct bytes list, bool park, struct bytes target, struct lamp *out);
/* NULL, or what is wrong. */
const char *lamps_wrong(struct bytes list);

#endif
