/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the list of an extension's BLF keys, checks it when a document is put, and finds a key by
 * slot or target. The text stays as it is and is parsed at each use, since lists are short and
 * change rarely. Pure. */

#include "sig/host/blf_keys.h"

bool blf_cut(struct bytes *list, struct blf_key *out)
{
	struct bytes one, word;

	*out = (struct blf_key){ 0 };
	if (!bytes_cut(list, ',', &one) || !bytes_cut(&one, '=', &word) ||
	    bytes_u32(word, &out->slot) || out->slot < 1 || out->slot > BLF_KEYS_MAX ||
	    !bytes_cut(&one, ':', &word))
		return false;
	out->park = bytes_is(word, "park");
	if (!out->park && !bytes_is(word, "blf"))
		return false;
	(void)bytes_cut(&one, ':', &out->target);
	out->label = one;
	return out->target.n && out->target.n < BLF_TARGET_MAX && one.n < BLF_LABEL_MAX;
}

bool blf_at(struct bytes list, uint32_t slot, struct blf_key *out)
{
	while (blf_cut(&list, out)) {
		if (out->slot == slot)
			return true;
	}
	return false;
}

bool blf_key_of(struct bytes list, bool park, struct bytes target, struct blf_key *out)
{
	while (blf_cut(&list, out)) {
		if (out->park == park && bytes_eq(out->target, target))
			return true;
	}
	return false;
}

const char *blf_keys_wrong(struct bytes list)
{
	uint32_t used = 0;
	struct blf_key blf_key;

	if (list.n && list.p[list.n - 1] == ',')
		return "there is no lamp after a ','";
	while (list.n) {
		if (!blf_cut(&list, &blf_key))
			return "each lamp is SLOT=blf:NUMBER or SLOT=park:SLOT, perhaps with "
			       ":LABEL "
			       "of 31 octets at most; a SLOT before '=' is 1 to 10";
		if (used >> blf_key.slot & 1)
			return "a slot has one lamp";
		used |= 1U << blf_key.slot;
	}
	return NULL;
}
