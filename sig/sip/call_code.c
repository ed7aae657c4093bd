/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/call_code.h"

#include <assert.h>

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
