/* SPDX-License-Identifier: Apache-2.0 */
/* Records that earlier builds wrote: tests/data/records, never changed. TANDEM_GOLDEN=folder writes those of this build there. */
#ifndef TESTS_UNIT_SIG_RECORD_GOLDEN_H
#define TESTS_UNIT_SIG_RECORD_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "tests/unit/test.h"

struct golden_name {
	char text[64];
};

static inline struct golden_name golden_name(int version, const char *kind)
{
	struct golden_name n;

	(void)snprintf(n.text, sizeof(n.text), "call-%d-%s.bin", version, kind);
	return n;
}

/* 0: there is none. */
static inline size_t golden_read(struct golden_name name, uint8_t *out, size_t cap)
{
	char path[128];
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof(path), "data/records/%s", name.text);
	f = fopen(path, "rb");
	if (!f)
		return 0;
	n = fread(out, 1, cap, f);
	(void)fclose(f);
	return n;
}

static inline void golden_write(const char *folder, struct golden_name name, struct bytes record)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name.text);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(record.p, 1, record.n, f), record.n);
	(void)fclose(f);
}

#endif
