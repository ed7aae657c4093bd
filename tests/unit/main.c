/* SPDX-License-Identifier: Apache-2.0 */
/* The unit tests of a folder: those of the file that the first word names. */
#include "tests/parts.h"

int main(int argc, char **argv)
{
	const struct part *p = part_named(argc == 2 ? argv[1] : NULL);

	return p ? p->run() : 2;
}
