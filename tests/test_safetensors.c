/* test_safetensors.c: safetensors files: round trips, the format's rules one by one, networks'
 * weights.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file of this header and `size` bytes of values. */
static const char *file(const char *header, size_t size) {
    unsigned char bytes[4096] = {0};
    size_t length = strlen(header);
    assert_true(8 + length + size <= sizeof bytes);
    bytes[0] = (unsigned char)length, bytes[1] = (unsigned char)(length >> 8);
    memcpy(bytes + 8, header, length);
    const char *path = test_temp_path("made.safetensors");
    test_write_file(path, bytes, 8 + length + size);
    return path;
}

static void what_is_written_is_read(void **state) {
    (void)state;
    const float a[] = {1, 2, 3, 4, 5, 6}, b = 7;
    lens_array arrays[] = {{.name = "a", .type = "F32", .rank = 2, .dims = {2, 3}, .bytes = 24},
                           {.name = "b/\"quoted\" \xc3\xa9", .type = "F32", .rank = 0, .bytes = 4}};
    arrays[0].values = a;
    arrays[1].values = &b;
    const lens_metadata metadata[] = {{"format", "test"}, {"text", "line\nline \"x\""}};
    const char *path = test_temp_path("round.safetensors");
    assert_ok(lens_safetensors_write(path, arrays, 2, metadata, 2));
    lens_safetensors *read;
    assert_ok(lens_safetensors_read(&read, path));
    assert_int_equal(lens_safetensors_count(read), 2);
    const lens_array *found = lens_safetensors_find(read, "a");
    assert_non_null(found);
    assert_int_equal(found->rank, 2);
    assert_int_equal(found->dims[1], 3);
    assert_memory_equal(found->values, a, sizeof a);
    assert_non_null(lens_safetensors_find(read, arrays[1].name));
    assert_null(lens_safetensors_find(read, "c"));
    assert_string_equal(lens_safetensors_metadata(read, "text"), metadata[1].value);
    assert_null(lens_safetensors_metadata(read, "none"));
    lens_safetensors_free(read);
    size_t size;
    char *bytes = test_read_file(path, &size);
    assert_int_equal((unsigned char)bytes[0] % 8, 0); /* padded with spaces */
    for (size_t cut = 0; cut < size; cut++) {         /* no truncation is taken for a whole file */
        test_write_file(test_temp_path("cut"), bytes, cut);
        assert_fails(lens_safetensors_read(&read, test_temp_path("cut")), LENS_BAD_FILE, "cut");
        assert_null(read);
    }
    free(bytes);
}

static void legal_oddities_are_read(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t size, count;
    } rows[] = {
        {"{}", 0, 0},
        {"{\"__metadata__\":{}}", 0, 0},
        {"{\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, 1},
        {"{\"e\":{\"dtype\":\"F64\",\"shape\":[3,0],\"data_offsets\":[0,0]}}", 0, 1},
        {"{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]},"
         "\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]}}   ",
         3, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        lens_safetensors *read;
        assert_ok(lens_safetensors_read(&read, file(rows[i].header, rows[i].size)));
        assert_int_equal(lens_safetensors_count(read), rows[i].count);
        lens_safetensors_free(read);
    }
}

static void every_rule_is_enforced(void **state) {
    (void)state;
    static const struct {
        const char *header, *part;
        size_t size;
    } rows[] = {
        {"[1]", "no JSON object", 0},
        {" {}", "no JSON object", 0},
        {"{\"a\":}", "no valid JSON", 0},
        {"{\"a\":1,\"a\":2}", "no valid JSON", 0},
        {"{\"__metadata__\":[]}", "__metadata__", 0},
        {"{\"__metadata__\":{\"k\":1}}", "__metadata__ k", 0},
        {"{\"a\":{\"dtype\":\"F99\",\"shape\":[1],\"data_offsets\":[0,4]}}", "dtype F99", 4},
        {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", "dtype nothing", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", "shape", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", "shape", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}",
         "at most 8", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}",
         "counted", 0}, /* the product wraps to 0 */
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", "needs 8", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", "range", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "range", 0},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", "range", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "does not begin", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "behind the last", 9},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
         "does not begin", 4},
        {"{\"a\":7}", "dtype", 0},
    };
    lens_safetensors *read;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_fails(lens_safetensors_read(&read, file(rows[i].header, rows[i].size)),
                     LENS_BAD_FILE, rows[i].part);
    unsigned char huge[16];
    memset(huge, 0xff, sizeof huge); /* a header of 2^64 - 1 bytes */
    test_write_file(test_temp_path("huge"), huge, sizeof huge);
    assert_fails(lens_safetensors_read(&read, test_temp_path("huge")), LENS_BAD_FILE, "truncated");
    assert_fails(lens_safetensors_read(&read, test_temp_path("none")), LENS_BAD_FILE, "No such");
}

static void failed_writes_leave_the_old_file(void **state) {
    (void)state;
    assert_fails(lens_safetensors_write("/no/such/place/w", NULL, 0, NULL, 0), LENS_IO,
                 "/no/such/place/w");
    const lens_metadata bad[] = {{"key", "\xff is no UTF-8"}};
    const char *path = test_temp_path("kept");
    test_write_file(path, "old", 3);
    assert_fails(lens_safetensors_write(path, NULL, 0, bad, 1), LENS_BAD_ARGUMENT, "UTF-8");
    size_t size;
    char *bytes = test_read_file(path, &size);
    assert_memory_equal(bytes, "old", 3);
    free(bytes);
}

/* ---- a network's weights ------------------------------------------------------------------- */

static lens_net *net_of(const char *model) {
    lens_net_spec *spec;
    assert_ok(lens_net_spec_open(&spec, model));
    lens_net_opts opts = lens_net_defaults();
    lens_net *net;
    assert_ok(lens_net_new(&net, test_reference(), spec, &opts));
    lens_net_spec_free(spec);
    return net;
}

static void weights_and_architecture_survive(void **state) {
    (void)state;
    const char *path = test_temp_path("net.safetensors");
    lens_net *net = net_of("lenet5-relu");
    assert_ok(lens_net_initialize(net, 3));
    assert_ok(lens_net_save(net, path));
    lens_net *again = net_of(path); /* the file is a model, too */
    assert_ok(lens_net_load(again, path));
    float *a = test_read(lens_net_parameters(net)), *b = test_read(lens_net_parameters(again));
    assert_memory_equal(a, b, lens_tensor_count(lens_net_parameters(net)) * sizeof *a);
    free(a), free(b);
    lens_net_free(again);
    again = net_of("lenet5");
    assert_fails(lens_net_load(again, path), LENS_BAD_FILE, "another shape");
    lens_net_free(again);
    lens_net_free(net);
    lens_net_spec *spec;
    assert_fails(lens_net_spec_open(&spec, file("{}", 0)), LENS_BAD_FILE, "no architecture");
}

/* A weight where the network has no connection would be read by the forward pass, and never
 * trained away. */
static void weights_that_connect_too_much_are_refused(void **state) {
    (void)state;
    const char *path = test_temp_path("connected.safetensors");
    lens_net *net = net_of("lenet5-1998");
    assert_ok(lens_net_initialize(net, 3));
    assert_ok(lens_net_save(net, path));
    assert_ok(lens_net_load(net, path));
    const lens_parameter *c3 = lens_net_parameter(net, 4);
    assert_string_equal(c3->name, "conv2d_2.weight");
    float *weights = test_read(c3->value);
    weights[(1 * 6 + 5) * 25 + 24] = 0.5f;
    assert_ok(lens_tensor_write(c3->value, weights));
    assert_ok(lens_net_save(net, path));
    assert_fails(lens_net_load(net, path), LENS_BAD_FILE,
                 "array conv2d_2.weight connects filter 1 with channel 5, the network does not");
    free(weights);
    lens_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(legal_oddities_are_read),
        cmocka_unit_test(every_rule_is_enforced),
        cmocka_unit_test(failed_writes_leave_the_old_file),
        cmocka_unit_test(weights_and_architecture_survive),
        cmocka_unit_test(weights_that_connect_too_much_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, test_close);
}
