/* SPDX-License-Identifier: Apache-2.0 */
/* The unit tests of a folder: those of the file that the first word names; without a word all, each file in a process of its own. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/parts.h"

static int part_apart(const struct part *p)
{
	int status = 1;
	pid_t child;

	(void)fflush(NULL);
	child = fork();
	if (!child)
		_exit(p->run() != 0);
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		(void)fprintf(stderr, "FAILED: %s\n", p->name);
	return status != 0;
}

int main(int argc, char **argv)
{
	const struct part *p = argc == 2 ? part_named(argv[1]) : PARTS;
	int failed = 0;

	if (argc == 2)
		return p ? p->run() : 2;
	while (p->name)
		failed |= part_apart(p++);
	return failed;
}
