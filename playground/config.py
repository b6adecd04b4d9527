"""The settings file of the playground's bot: the sample cluster, and people who are on call in the local Slack."""

CONFIG = """\
clusters:
  sample:
    app: playground.cluster.app
    broker_url_env: SAMPLE_BROKER_URL
    result_backend_env: SAMPLE_RESULT_URL
    priority_steps: [0, 3, 6, 9]
    queues:
      booking: {{importance: 10}}
      voice_synthesis: {{importance: 7}}
      notifications: {{importance: 6}}
      ai_generation: {{importance: 5}}
      image_processing: {{importance: 4}}
      analytics: {{importance: 3}}
      default: {{importance: 5}}
    worker_groups:
      worker1:
        queues: [booking, ai_generation, voice_synthesis, notifications, analytics, default]
        concurrency: 4
      priority_worker:
        queues: [booking, voice_synthesis]
        concurrency: 2
      image_worker:
        queues: [image_processing]
        concurrency: 1
    health:
      jobs: {{url_env: SAMPLE_STATS_URL, json: {{status: healthy, workers: "> 0"}}}}
channels:
  C0ONCALL: sample
alert_senders: [B0ALERT]
roles:
  oncall: {{group: S0ONCALL}}
  platform: {{group: S0PLATFORM}}
policy:
  acting: oncall
  consent:
    high: [{{approve: 1, from: oncall}}, {{approve: 1, from: platform}}]
    destructive: [{{approve: 1, from: platform}}]
web: {{port: {port}}}
log: {{level: info, format: json}}
"""
