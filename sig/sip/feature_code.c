/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/feature_code.h"

#include <assert.h>

static const struct {
	const char *key, *field;
	enum feature_value value;
} g_features[FEATURES] = {
#define X(id, key, code, field, value, help) { key, field, FEATURE_##value },
	FEATURE_CODES(X)
#undef X
};

const char *feature_key(enum feature feature)
{
	assert(feature < FEATURES);
	return g_features[feature].key;
}

const char *feature_field(enum feature feature)
{
	assert(feature < FEATURES);
	return g_features[feature].field;
}

enum feature_value feature_value(enum feature feature)
{
	assert(feature < FEATURES);
	return g_features[feature].value;
}

enum feature_right feature_right(enum feature feature)
{
	struct bytes field = bytes_str(feature_field(feature));

	if (bytes_starts(field, "forward_"))
		return FEATURE_FORWARDING;
	return bytes_is(field, "do_not_disturb") || bytes_is(field, "smart_do_not_disturb")
		       ? FEATURE_DO_NOT_DISTURB
		       : FEATURE_FREE;
}

enum feature feature_by_key(struct bytes key)
{
	unsigned i = 0;

	while (i < FEATURES && !bytes_is(key, g_features[i].key))
		i++;
	return (enum feature)i;
}

bool feature_code_hides(const struct feature_codes *codes, enum feature feature, struct bytes other)
{
	struct bytes code = bytes_str(codes->code[feature]);

	if (!code.n)
		return false;
	return feature_value(feature) == FEATURE_NUMBER || feature_value(feature) == FEATURE_SLOT ||
			       feature_value(feature) == FEATURE_MAYBE
		       ? bytes_starts(other, codes->code[feature])
		       : bytes_eq(other, code);
}

bool feature_dialled(const struct feature_codes *codes, struct bytes dialled, enum feature *feature,
		     struct bytes *number)
{
	for (unsigned i = 0; i < FEATURES; i++) {
		if (!feature_code_hides(codes, (enum feature)i, dialled))
			continue;
		*feature = (enum feature)i;
		*number = bytes_from(dialled, bytes_str(codes->code[i]).n);
		return true;
	}
	return false;
}
