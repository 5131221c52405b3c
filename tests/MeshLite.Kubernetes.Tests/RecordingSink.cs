using System.Collections.Concurrent;
using MeshLite.Kubernetes.Objects;
using MeshLite.Kubernetes.Watching;

namespace MeshLite.Kubernetes.Tests;

/// <summary>Keeps what a reflector says, and what there is by it. Written by the reflector's task, read by anyone.</summary>
internal sealed class RecordingSink<T> : IReflectorSink<T>
    where T : class, IKubernetesObject
{
    private readonly ConcurrentQueue<string> _calls = new();
    private readonly ConcurrentDictionary<ObjectKey, T> _state = new();

    /// <summary>As <c>=a,b</c>, <c>+a</c>, <c>-a</c>.</summary>
    public IReadOnlyList<string> Calls => [.. _calls];

    public IReadOnlyDictionary<ObjectKey, T> State => _state;

    /// <summary>Set where a call should fail.</summary>
    public Exception? Fails { get; set; }

    public void Replaced(IReadOnlyList<T> all)
    {
        Throw();
        foreach (var item in all)
        {
            _state[item.Metadata.Key] = item;
        }

        _calls.Enqueue("=" + string.Join(',', all.Select(o => o.Metadata.Name)));
    }

    public void Upserted(T changed)
    {
        Throw();
        _state[changed.Metadata.Key] = changed;
        _calls.Enqueue("+" + changed.Metadata.Name);
    }

    public void Deleted(ObjectKey key)
    {
        Throw();
        _state.TryRemove(key, out _);
        _calls.Enqueue("-" + key.Name);
    }

    private void Throw()
    {
        if (Fails is { } error)
        {
            throw error;
        }
    }
}
