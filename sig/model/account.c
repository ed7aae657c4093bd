/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/model/account.h"

static bool account_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool account_is_octet(uint8_t c)
{
	return account_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '.' || c == '_' || c == '-';
}

bool account_code_is_good(struct bytes code)
{
	for (size_t i = 0; i < code.n; i++) {
		if (!account_is_octet(code.p[i]))
			return false;
	}
	return code.n <= ACCOUNT_CODE_MAX;
}

bool account_keys_are_good(struct bytes keys)
{
	for (size_t i = 0; i < keys.n; i++) {
		if (!account_is_digit(keys.p[i]))
			return false;
	}
	return keys.n <= ACCOUNT_KEYS_MAX;
}
