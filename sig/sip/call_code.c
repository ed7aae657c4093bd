/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/call_code.h"

#include <assert.h>
#include <string.h>

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
	switch (a) {
	case CALL_CODE_RECORD_ON:
		return b == CALL_CODE_RECORD_OFF;
	case CALL_CODE_RECORD_OFF:
		return b == CALL_CODE_RECORD_ON;
	case CALL_CODE_RECORD_PAUSE:
		return b == CALL_CODE_RECORD_RESUME;
	case CALL_CODE_RECORD_RESUME:
		return b == CALL_CODE_RECORD_PAUSE;
	case CALL_CODE_ACCOUNT:
	case CALL_CODE_COUNT:
		break;
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
