"""Settings that make a training a matter of seconds."""

# Of a setting that is given twice the later one counts.
FEW = (
    *("data.num_train=8", "data.num_val=3", "data.batch_size=4"),
    *("data.image_size=96", "data.num_workers=0"),
)
DRAWN = ("data=demo", *FEW)
NARROW = "backbone.width=0.25"
# of detectors in two stages, whose second one looks at as many crops of each photo
FEW_CROPS = ("head.proposals.num_proposals=30", "head.num_sampled=16")
TWO_STEPS = ("trainer.max_steps=2", "trainer.log_every_n_steps=1", "pictures.count=1")
SMALL_RUN = (*DRAWN, NARROW, *TWO_STEPS)
