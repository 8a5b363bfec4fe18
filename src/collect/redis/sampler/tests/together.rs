//! Everything but the engine: poller, reader of events and sampler beside each other, as in production.

use super::*;
use crate::collect::redis::events::EventReader;
use crate::config::NamespaceConfig;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ratio_comes_out_of_poller_reader_and_sampler_together() {
    let Some(server) = Redis::start(&[]).await else {
        return;
    };
    let mut config = server.config();
    config.poll_interval = Duration::from_millis(100);
    config.sampling = Some(every(200, 40));
    config.attribution.namespaces = NAMESPACES
        .map(|(name, glob, _, _)| NamespaceConfig {
            name: name.to_owned(),
            pattern: glob.to_owned(),
            price: None,
        })
        .to_vec();
    let config = Arc::new(config);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let (cancel, tracker) = (CancellationToken::new(), TaskTracker::new());
    let (events, reader) = EventReader::new(Arc::clone(&config), Arc::clone(&clock));
    tracker.spawn(reader.run(cancel.clone()));
    until("it is subscribed", || {
        events.report().subscription == Subscription::Subscribed
    })
    .await;

    let (truth, stop) = (Arc::new(Truth::default()), Arc::new(AtomicBool::new(false)));
    let threads = load(&server, &truth, &stop);
    let known = events.clone();
    let (samples_in, mut samples) = mpsc::channel(64);
    let (reports_in, mut reports) = mpsc::channel(64);
    let task = Sampler::new(
        Arc::clone(&config),
        Arc::new(move || known.classifier()),
        samples_in,
        Arc::clone(&clock),
        Arc::default(),
    );
    tracker.spawn(task.run(cancel.clone()));
    tracker.spawn(crate::collect::redis::poller::run(
        Arc::clone(&config),
        events,
        reports_in,
        Arc::clone(&clock),
        cancel.clone(),
        Arc::default(),
    ));
    tracker.close();

    let mut ledger = CacheLedger::new(&config);
    let sampling = config.sampling.map(|s| (config.node(), s.every));
    let mut lookups = CacheLookups::new(sampling);
    let attribution = tokio::time::timeout(Duration::from_mins(1), async {
        loop {
            tokio::select! {
                Some(sample) = samples.recv() => lookups.sampled(sample),
                Some(report) = reports.recv() => ledger.observe(&report),
            }
            let now = clock.now();
            let mut cache = ledger.snapshot(now);
            lookups.enrich(&mut cache, now);
            let ours = cache.attribution.filter(|a| a.hit_ratios.len() == 3);
            if let (Some(attribution), Some((_, stats))) = (ours, &cache.lookups.samples)
                && stats.complete >= 20
            {
                return attribution;
            }
        }
    })
    .await
    .expect("hit ratios of all three");
    cancel.cancel();
    tracker.wait().await;
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().unwrap();
    }
    for (name, _, _, hits) in NAMESPACES {
        let found = attribution.hit_ratios.iter().find(|r| r.namespace == name);
        let found = found.unwrap();
        println!("{name}: {hits}, estimated {found:?}");
        // How well the intervals hold is the other test's; one in twenty does not.
        assert!((found.ratio - hits).abs() < 0.2, "{found:?}");
        assert!(
            found.lower < found.ratio && found.ratio < found.upper,
            "{found:?}"
        );
    }
    assert!(!format!("{attribution:?}").contains(SECRET));
}
