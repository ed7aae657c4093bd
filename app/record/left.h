/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording's file without a sidecar whose process is gone: killed, or its disk was full. What is in it is whole, as far as it goes: it gets
 * the right sizes in its head, and a sidecar that says "interrupted". Who writes a file holds its lock, so nobody's work is touched.
 */
#ifndef APP_RECORD_LEFT_H
#define APP_RECORD_LEFT_H

#include "app/record/recorder.h"

/* FOLDER/NAME of the tenant. 0; -EBUSY: somebody works on it, or did a moment ago; -EINVAL: no recording has such a name; -errno. */
int left_file(const char *folder, const char *name, const char *tenant, struct record_terms *terms,
	      uint64_t *octets) NODISCARD;

#endif
