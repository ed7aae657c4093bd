/* SPDX-License-Identifier: Apache-2.0 */
/* A core may take seconds to be written, and all that while the kernel closes nothing. So the keeper hears of a crash before. */
#include <signal.h>
#include <sys/socket.h>

#include "app/keeper/order.h"

static const int CRASHES[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };

static int g_orders = -1;

/* Less than an order is the end. Then the signal does what it does. */
static void on_crash(int signal)
{
	(void)!send(g_orders, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)raise(signal);
}

/* What a sanitizer handles stays with it. */
void keeper_crash_tell(int orders)
{
	struct sigaction crash = { .sa_handler = on_crash, .sa_flags = SA_RESETHAND | SA_NODEFER };

	g_orders = orders;
	for (size_t i = 0; i < COUNT_OF(CRASHES); i++) {
		struct sigaction now;

		if (sigaction(CRASHES[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
			(void)sigaction(CRASHES[i], &crash, NULL);
	}
}
