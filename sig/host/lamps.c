/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the list of an extension's BLF keys (lamps.h), checks it when a document is put, and finds
 * a key by slot or target. The text stays as it is and is parsed at each use, since lists are short
 * and change rarely. Pure. */

#include "sig/host/lamps.h"

bool lamps_cut(struct bytes *list, struct lamp *out)
{
	struct bytes one, word;

	*out = (struct lamp){ 0 };
	if (!bytes_cut(list, ',', &one) || !bytes_cut(&one, '=', &word) ||
	    bytes_u32(word, &out->slot) || out->slot < 1 || out->slot > LAMPS_MAX ||
	    !bytes_cut(&one, ':', &word))
		return false;
	out->park = bytes_is(word, "park");
	if (!out->park && !bytes_is(word, "blf"))
		return false;
	(void)bytes_cut(&one, ':', &out->target);
	out->label = one;
	return out->target.n && out->target.n < LAMP_TARGET_MAX && one.n < LAMP_LABEL_MAX;
}

bool lamps_in(struct bytes list, uint32_t slot, struct lamp *out)
{
	while (lamps_cut(&list, out)) {
		if (out->slot == slot)
			return true;
	}
	return false;
}

bool lamps_of(struct bytes list, bool park, struct bytes target, struct lamp *out)
{
	while (lamps_cut(&list, out)) {
		if (out->park == park && bytes_eq(out->target, target))
			return true;
	}
	return false;
}

const char *lamps_wrong(struct bytes list)
{
	uint32_t used = 0;
	struct lamp lamp;

	if (list.n && list.p[list.n - 1] == ',')
		return "there is no lamp after a ','";
	while (list.n) {
		if (!lamps_cut(&list, &lamp))
			return "each lamp is SLOT=blf:NUMBER or SLOT=park:SLOT, perhaps with "
			       ":LABEL "
			       "of 31 octets at most; a SLOT before '=' is 1 to 10";
		if (used >> lamp.slot & 1)
			return "a slot has one lamp";
		used |= 1U << lamp.slot;
	}
	return NULL;
}
