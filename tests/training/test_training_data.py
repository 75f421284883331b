import torch
from tilewright.training.data import BatchOrder, Conditioning, Example, random_shifts, roll_rows, split_validation
from tilewright.training.randomness import generator


def example(size=8, **facts):
    return Example(torch.zeros(4, size, size), "brick", (size * 8, size * 8), **facts)


def test_an_epoch_visits_every_example_as_often_as_it_repeats():
    order = BatchOrder([example(repeats=1), example(repeats=3)], batch_size=2, seed=0)
    epoch = [index for step in range(order.batches_per_epoch) for index in order.batch(step)]
    assert sorted(epoch) == [0, 1, 1, 1]


def test_epochs_are_shuffled_differently_and_runs_are_not():
    order, again = (BatchOrder([example()] * 16, batch_size=16, seed=5) for _ in range(2))
    assert order.batch(0) != order.batch(1)
    assert [order.batch(n) for n in range(4)] == [again.batch(n) for n in range(4)]
    assert order.batch(0) != BatchOrder([example()] * 16, 16, seed=6).batch(0)


def test_a_step_has_the_same_batch_when_the_run_is_resumed_there():
    whole = BatchOrder([example()] * 5, batch_size=2, seed=1)
    course = [whole.batch(step) for step in range(12)]
    assert BatchOrder([example()] * 5, 2, seed=1).batch(7) == course[7]


def test_batches_are_full_and_of_one_size():
    examples = [example(8), example(8), example(8), example(16)]
    order = BatchOrder(examples, batch_size=2, seed=0)
    batches = [order.batch(step) for step in range(order.batches_per_epoch)]
    assert [len(batch) for batch in batches] == [2, 2, 2]
    assert all(len({examples[i].latent.shape for i in batch}) == 1 for batch in batches)
    assert {i for batch in batches for i in batch} == {0, 1, 2, 3}


def test_a_batch_larger_than_the_dataset_repeats_it():
    assert BatchOrder([example()], batch_size=3, seed=0).batch(0) == [0, 0, 0]


def test_only_tileable_rows_are_shifted_and_nothing_is_lost():
    shifts = random_shifts([example(tileable=True), example(tileable=False)], generator(0, "roll", 0))
    assert shifts[1] == (0, 0)
    latents = torch.arange(2 * 1 * 8 * 8).view(2, 1, 8, 8)
    rolled = roll_rows(latents, [(3, 5), (0, 0)])
    assert torch.equal(rolled[1], latents[1])
    assert rolled[0, 0, 3, 5] == latents[0, 0, 0, 0]
    assert torch.equal(rolled[0].flatten().sort().values, latents[0].flatten())


def test_every_place_of_a_torus_is_as_likely():
    examples = [example(size=4, tileable=True)] * 4000
    rows, columns = zip(*random_shifts(examples, generator(0, "roll", 0)), strict=True)
    assert min(rows.count(n) for n in range(4)) > 900
    assert min(columns.count(n) for n in range(4)) > 900


def test_held_out_examples_are_not_trained_on_and_regularisation_stays():
    examples = [example(repeats=n + 1) for n in range(9)] + [example(regularisation=True)]
    trained, held_out = split_validation(examples, 0.3, seed=0)
    assert len(held_out) == 3 and len(trained) == 7
    assert not {one.repeats for one in held_out} & {one.repeats for one in trained[:-1]}
    assert trained[-1].regularisation
    assert split_validation(examples, 0.0, seed=0)[1] == []


def test_a_shorter_context_is_repeated_to_the_common_length():
    short, long = Conditioning(torch.rand(1, 77, 8)), Conditioning(torch.rand(1, 154, 8))
    batch = Conditioning.stack([short, long])
    assert batch.context.shape == (2, 154, 8)
    assert torch.equal(batch.context[0, :77], batch.context[0, 77:])


def test_vectors_travel_with_their_contexts():
    parts = [Conditioning(torch.rand(1, 77, 8), torch.full((1, 3), float(i))) for i in range(2)]
    assert Conditioning.stack(parts).vector.tolist() == [[0, 0, 0], [1, 1, 1]]


def test_validation_holds_back_whole_materials_with_all_their_views():
    examples = [Example(torch.zeros(4, 8, 8), str(i), (64, 64), material=f"brick {i // 5}") for i in range(20)]
    trained, held_out = split_validation(examples, 0.25, seed=0)
    assert len({example.material for example in held_out}) == 1 and len(held_out) == 5
    assert not {example.material for example in held_out} & {example.material for example in trained}


def test_the_only_material_is_not_held_back():
    views = [Example(torch.zeros(4, 8, 8), "", (64, 64), material="brick") for _ in range(10)]
    assert split_validation(views, 0.2, seed=0) == (views, [])
