/*
 * Frame headers: everything legal passes, everything else is refused.
 */
#include <check.h>

#include "lib/suite.h"
#include "wire/frame.h"

static const char *
verdict(enum frame_peer from, unsigned class, unsigned type, uint32_t u,
    uint64_t body)
{
	struct frame_hdr h;

	h = frame_hdr((enum frame_class)class, (enum frame_type)type, 7, u, 0);
	h.len += body;
	return frame_check(&h, from);
}

#define GOOD(...)	ck_assert_ptr_null(verdict(__VA_ARGS__))
#define BAD(...)	ck_assert_ptr_nonnull(verdict(__VA_ARGS__))
#define C	FRAME_FROM_CLIENT
#define S	FRAME_FROM_SERVER

START_TEST(header_is_24_bytes)
{
	struct frame_hdr h;
	const unsigned char *p = (const unsigned char *)&h;
	const unsigned char want[24] = { 0x1d, 0, 0, 0, 0, 0, 0, 0,
	    1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 14, 0, 0, 0 };

	h = frame_hdr(FRAME_REQ, FRAME_RAISE, 1, 14, 5);
	ck_assert_mem_eq(p, want, sizeof(want));
}
END_TEST

START_TEST(client_requests)
{

	GOOD(C, FRAME_REQ, FRAME_HANDSHAKE, HANDSHAKE_GUEST, 5);
	GOOD(C, FRAME_REQ, FRAME_HANDSHAKE, HANDSHAKE_EXEC, FRAME_MAX_COMM);
	BAD(C, FRAME_REQ, FRAME_HANDSHAKE, HANDSHAKE_GUEST, FRAME_MAX_COMM + 1);
	GOOD(C, FRAME_REQ, FRAME_HANDSHAKE, HANDSHAKE_FORK, 20);
	BAD(C, FRAME_REQ, FRAME_HANDSHAKE, HANDSHAKE_FORK, 19);
	BAD(C, FRAME_REQ, FRAME_HANDSHAKE, HANDSHAKE_FORK, 21);
	BAD(C, FRAME_REQ, FRAME_HANDSHAKE, 4, 20);
	GOOD(C, FRAME_REQ, FRAME_SYSCALL, 20, 0);
	GOOD(C, FRAME_REQ, FRAME_SYSCALL, 20, FRAME_MAX_ARGS * 8);
	BAD(C, FRAME_REQ, FRAME_SYSCALL, 20, FRAME_MAX_ARGS * 8 + 1);
	GOOD(C, FRAME_REQ, FRAME_PREFORK, 0, 0);
	BAD(C, FRAME_REQ, FRAME_PREFORK, 0, 1);
	BAD(C, FRAME_REQ, FRAME_COPYIN, 0, 16);
	BAD(C, FRAME_REQ, FRAME_RAISE, 9, 0);
}
END_TEST

START_TEST(client_responses)
{

	GOOD(C, FRAME_RESP, FRAME_COPYIN, 0, 0);
	GOOD(C, FRAME_RESP, FRAME_COPYIN, 0, FRAME_MAX_MOVE);
	BAD(C, FRAME_RESP, FRAME_COPYIN, 0, FRAME_MAX_MOVE + 1);
	GOOD(C, FRAME_RESP, FRAME_COPYINSTR, 0, 12);
	GOOD(C, FRAME_RESP, FRAME_ANONMMAP, 0, 8);
	BAD(C, FRAME_RESP, FRAME_ANONMMAP, 0, 4);
	BAD(C, FRAME_RESP, FRAME_COPYOUT, 0, 0);
	BAD(C, FRAME_RESP, FRAME_SYSCALL, 0, 24);
}
END_TEST

START_TEST(server_requests)
{

	GOOD(S, FRAME_REQ, FRAME_COPYIN, 0, 16);
	BAD(S, FRAME_REQ, FRAME_COPYIN, 0, 15);
	BAD(S, FRAME_REQ, FRAME_COPYINSTR, 0, 17);
	GOOD(S, FRAME_REQ, FRAME_COPYOUT, 0, 16);
	GOOD(S, FRAME_REQ, FRAME_COPYOUT, 0, 16 + FRAME_MAX_MOVE);
	BAD(S, FRAME_REQ, FRAME_COPYOUT, 0, 15);
	BAD(S, FRAME_REQ, FRAME_COPYOUTSTR, 0, 17 + FRAME_MAX_MOVE);
	GOOD(S, FRAME_REQ, FRAME_ANONMMAP, 0, 8);
	BAD(S, FRAME_REQ, FRAME_ANONMMAP, 0, 0);
	GOOD(S, FRAME_REQ, FRAME_RAISE, 9, 0);
	BAD(S, FRAME_REQ, FRAME_RAISE, 9, 4);
	BAD(S, FRAME_REQ, FRAME_SYSCALL, 1, 8);
	BAD(S, FRAME_REQ, FRAME_HANDSHAKE, 0, 4);
}
END_TEST

START_TEST(server_responses)
{

	GOOD(S, FRAME_RESP, FRAME_HANDSHAKE, 0, 4);
	BAD(S, FRAME_RESP, FRAME_HANDSHAKE, 0, 8);
	GOOD(S, FRAME_RESP, FRAME_SYSCALL, 0, 24);
	BAD(S, FRAME_RESP, FRAME_SYSCALL, 0, 23);
	GOOD(S, FRAME_RESP, FRAME_PREFORK, 0, 16);
	BAD(S, FRAME_RESP, FRAME_PREFORK, 0, 0);
	BAD(S, FRAME_RESP, FRAME_COPYIN, 0, 4);
}
END_TEST

START_TEST(errors_and_nonsense)
{
	struct frame_hdr h;

	GOOD(C, FRAME_ERROR, 0, FRAME_ERR_MALFORMED, 0);
	GOOD(S, FRAME_ERROR, 0, 99, 0);
	BAD(S, FRAME_ERROR, 1, FRAME_ERR_AUTH, 0);
	BAD(S, FRAME_ERROR, 0, FRAME_ERR_AUTH, 1);
	BAD(S, 3, 0, 0, 4);
	BAD(S, 0xffff, 0xffff, 0, 0);
	BAD(C, FRAME_REQ, FRAME_NTYPES, 0, 0);
	BAD(C, FRAME_RESP, 0xffff, 0, 0);

	h = frame_hdr(FRAME_REQ, FRAME_PREFORK, 0, 0, 0);
	for (h.len = 0; h.len < FRAME_HDRLEN; h.len++)
		ck_assert_ptr_nonnull(frame_check(&h, C));
	h.len = UINT64_MAX;
	ck_assert_ptr_nonnull(frame_check(&h, C));
	h = frame_hdr(FRAME_REQ, FRAME_COPYOUT, 0, 0, 0);
	h.len = (uint64_t)FRAME_MAX + 1;
	ck_assert_ptr_nonnull(frame_check(&h, S));
}
END_TEST

START_TEST(errnos_and_names)
{

	ck_assert_int_eq(frame_error_to_errno(FRAME_ERR_TRYAGAIN), 35);
	ck_assert_int_eq(frame_error_to_errno(FRAME_ERR_AUTH), 1);
	ck_assert_int_eq(frame_error_to_errno(FRAME_ERR_NO_PREFORK), 3);
	ck_assert_int_eq(frame_error_to_errno(FRAME_ERR_RFORK), 5);
	ck_assert_int_eq(frame_error_to_errno(FRAME_ERR_INEXEC), 16);
	ck_assert_int_eq(frame_error_to_errno(FRAME_ERR_NOMEM), 12);
	ck_assert_int_eq(frame_error_to_errno(FRAME_ERR_MALFORMED), 22);
	ck_assert_int_eq(frame_error_to_errno(0), 5);
	ck_assert_int_eq(frame_error_to_errno(UINT32_MAX), 5);

	ck_assert_str_eq(frame_type_name(FRAME_COPYOUTSTR), "copyoutstr");
	ck_assert_str_eq(frame_type_name(FRAME_NTYPES), "?");
	ck_assert_str_eq(frame_handshake_name(HANDSHAKE_EXEC), "exec");
	ck_assert_str_eq(frame_handshake_name(4), "?");
	ck_assert_str_eq(frame_error_name(FRAME_ERR_NOMEM), "no memory");
	ck_assert_str_eq(frame_error_name(0), "?");
	ck_assert_str_eq(frame_error_name(8), "?");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("frame");
	TCase *tc = tcase_create("frame");

	tcase_add_test(tc, header_is_24_bytes);
	tcase_add_test(tc, client_requests);
	tcase_add_test(tc, client_responses);
	tcase_add_test(tc, server_requests);
	tcase_add_test(tc, server_responses);
	tcase_add_test(tc, errors_and_nonsense);
	tcase_add_test(tc, errnos_and_names);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
