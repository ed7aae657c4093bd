/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of feature codes and in-call codes (feature_code.h): names, defaults, arguments and
 * rights, generated from the X-macros there; and matching of dialled digits, where the longest code
 * wins. Also the checks of a tenant's settings: a code must begin with '*' or '#', and none may
 * hide another. Pure. */

#include <assert.h>
#include <string.h>

#include "sig/sip/feature_code.h"

static const char *const g_call_codes[CALL_CODE_COUNT] = {
#define X(id, key, help) key,
	CALL_CODES(X)
#undef X
};

const char *call_code_key(enum call_code code)
{
	assert(code < CALL_CODE_COUNT);
	return g_call_codes[code];
}

bool call_codes_any(const struct call_codes *codes)
{
	for (unsigned i = 0; i < CALL_CODE_COUNT; i++) {
		if (codes->code[i][0])
			return true;
	}
	return false;
}

bool call_code_is_valid(const char *text)
{
	size_t n = strlen(text);

	return n >= 2 && n < CALL_CODE_LEN && strchr("*#", text[0]) &&
	       strspn(text, "0123456789*#") == n;
}

/* Of which one may be the other's code. */
static bool are_in_turns(enum call_code a, enum call_code b)
{
	static const enum call_code pairs[][2] = {
		{ CALL_CODE_RECORD_ON, CALL_CODE_RECORD_OFF },
		{ CALL_CODE_RECORD_PAUSE, CALL_CODE_RECORD_RESUME },
	};

	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		if ((a == pairs[i][0] && b == pairs[i][1]) ||
		    (a == pairs[i][1] && b == pairs[i][0]))
			return true;
	}
	return false;
}

bool call_codes_clash(const struct call_codes *codes, enum call_code a, enum call_code b)
{
	struct bytes code_a = bytes_str(codes->code[a]), code_b = bytes_str(codes->code[b]);

	if (a == b || !code_a.n || !code_b.n)
		return false;
	if (bytes_eq(code_a, code_b))
		return !are_in_turns(a, b);
	return bytes_starts(code_a, codes->code[b]) || bytes_starts(code_b, codes->code[a]);
}

enum call_code_fit call_code_fit(const struct call_codes *codes, struct bytes keys, uint32_t *whole)
{
	bool begins = false;

	*whole = 0;
	for (unsigned i = 0; i < CALL_CODE_COUNT; i++) {
		struct bytes code = bytes_str(codes->code[i]);

		if (!code.n || !bytes_eq(bytes_sub(code, 0, keys.n), keys))
			continue;
		if (code.n == keys.n)
			*whole |= UINT32_C(1) << i;
		else
			begins = true;
	}
	if (*whole)
		return CALL_CODE_WHOLE;
	return begins && keys.n ? CALL_CODE_BEGINS : CALL_CODE_NONE;
}

static const struct {
	const char *key, *field;
	enum feature_value value;
} g_features[FEATURES] = {
#define X(id, key, code, field, value, help) { key, field, FEATURE_##value },
	FEATURE_CODES(X)
#undef X
};

const char *feature_key(enum feature_action feature)
{
	assert(feature < FEATURES);
	return g_features[feature].key;
}

const char *feature_field(enum feature_action feature)
{
	assert(feature < FEATURES);
	return g_features[feature].field;
}

enum feature_value feature_value(enum feature_action feature)
{
	assert(feature < FEATURES);
	return g_features[feature].value;
}

enum feature_right feature_right(enum feature_action feature)
{
	struct bytes field = bytes_str(feature_field(feature));

	if (bytes_starts(field, "forward_"))
		return FEATURE_FORWARDING;
	return bytes_is(field, "do_not_disturb") || bytes_is(field, "smart_do_not_disturb")
		       ? FEATURE_DO_NOT_DISTURB
		       : FEATURE_FREE;
}

enum feature_action feature_by_key(struct bytes key)
{
	unsigned i = 0;

	while (i < FEATURES && !bytes_is(key, g_features[i].key))
		i++;
	return (enum feature_action)i;
}

bool feature_code_hides(const struct feature_codes *codes, enum feature_action feature,
			struct bytes other)
{
	struct bytes code = bytes_str(codes->code[feature]);
	enum feature_value value = feature_value(feature);

	if (!code.n)
		return false;
	return value == FEATURE_NOTHING || value == FEATURE_TRUE || value == FEATURE_FALSE
		       ? bytes_eq(other, code)
		       : bytes_starts(other, codes->code[feature]);
}

bool feature_dialled(const struct feature_codes *codes, struct bytes dialled,
		     enum feature_action *feature, struct bytes *number)
{
	for (unsigned i = 0; i < FEATURES; i++) {
		if (!feature_code_hides(codes, (enum feature_action)i, dialled))
			continue;
		*feature = (enum feature_action)i;
		*number = bytes_from(dialled, bytes_str(codes->code[i]).n);
		return true;
	}
	return false;
}
