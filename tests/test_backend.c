/* test_backend.c: no backend leaves a member of its table open. */
#include "support.h"
#include "backend.h"

#include <string.h>

/* Every member is a pointer, the first the name. */
static void assert_whole(const lens_backend *backend) {
    void *const *members = (void *const *)(const void *)backend;
    for (size_t i = 0; i < sizeof *backend / sizeof *members; i++)
        if (!members[i])
            fail_msg("backend %s: member %zu of lens_backend is NULL", backend->name, i);
}

static void every_member_is_there(void **state) {
    (void)state;
    assert_whole(&lens_backend_reference);
#ifdef LENSLET_OPENCL
    assert_whole(&lens_backend_opencl);
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_member_is_there)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
