/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of the kernel for a file: by io_uring, or by the plain call. Values. */
#ifndef APP_RECORD_DISK_OP_H
#define APP_RECORD_DISK_OP_H

#include <liburing.h>

#include "base/bytes.h"

enum disk_op_kind {
	DISK_OP_MKDIR,
	DISK_OP_OPEN,
	DISK_OP_WRITE,
	DISK_OP_SYNC,
	DISK_OP_RENAME,
	DISK_OP_CLOSE,
};

struct disk_op {
	enum disk_op_kind kind;
	int fd;
	int flags;        /* of an open */
	const char *path; /* all that is pointed to stays until it is done */
	const char *to;
	struct bytes octets;
	uint64_t offset;
};

/* What the kernel says: a number, or -errno. */
int disk_op_plain(const struct disk_op *op);
void disk_op_prepare(struct io_uring_sqe *sqe, const struct disk_op *op);

#endif
