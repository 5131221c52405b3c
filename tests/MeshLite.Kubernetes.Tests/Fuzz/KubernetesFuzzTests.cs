using System.Text.Json;
using MeshLite.Kubernetes.Connection;
using MeshLite.Kubernetes.Http;
using MeshLite.Kubernetes.Objects;
using MeshLite.TestKit;
using MeshLite.TestKit.Fuzz;

namespace MeshLite.Kubernetes.Tests.Fuzz;

/// <summary>What reads the API server's answers, and the file that says where it is. Only the documented exceptions: a loop that meets another ends the program.</summary>
public sealed class KubernetesFuzzTests
{
    private static readonly string[] Words = ["{", "}", "[", "]", "\"", ":", ",", "\n", "null", "\\ud800", "\"\\ud800\"", "1e999", "\"type\":", "\"object\":", "\"metadata\":"];

    private static readonly ApiCall Call = new("watch", ResourceTypes.Pods, null, null) { PathAndQuery = "" };

    [Fact]
    public void WatchReader_AnyLines_AreEventsOrTheWatchIsLost() => new Fuzzer("watch", Words) { Iterations = 500, AllocationPerByte = 4_000 }.Run((byte[] body) =>
    {
        foreach (var seen in (Func<byte[], List<string?>>[])[Read(RawObject.JsonInfo), Read(KubernetesJson.Default.Pod)])
        {
            seen(body).ShouldAllBe(version => version != null);
        }
    });

    [Fact]
    public void ListReader_AnyPage_IsObjectsOrUnreadable() => new Fuzzer("lists", Words) { Iterations = 1_500, AllocationPerByte = 4_000 }.Run((byte[] body) =>
    {
        try
        {
            var page = ListReader.Read(body, KubernetesJson.Default.Pod);
            page.Items.ShouldAllBe(pod => pod.Metadata.Name != "\0");
            page.ResourceVersion.ShouldNotBeNull();
        }
        catch (JsonException)
        {
            // The documented one.
        }
    });

    /// <summary>Whatever a server or a proxy before it says of a refusal is one sentence.</summary>
    [Fact]
    public void StatusReader_AnyBody_IsARefusalInASentence() => new Fuzzer("statuses", Words) { Iterations = 1_500, AllocationPerByte = 4_000 }.Run((byte[] body) =>
    {
        using var response = new HttpResponseMessage(System.Net.HttpStatusCode.Conflict);
        var refusal = StatusReader.ToException(Call, response, body);
        refusal.Message.ShouldEndWith("(409)");
        refusal.Causes.ShouldAllBe(cause => cause != null);
        (refusal.RetryAfter ?? TimeSpan.Zero).ShouldBeGreaterThanOrEqualTo(TimeSpan.Zero);
    });

    [Fact]
    public void Kubeconfig_AnyFile_IsAConnectionOrASentence()
    {
        using var directory = new TestDirectory();
        new Fuzzer("kubeconfig", "{", "}", "[", "]", ": ", "- ", "&a ", "*a", "<<: *a", "!!binary ", "\"\\0\"", "\n---\n", "~") { Iterations = 800, AllocationPerByte = 40_000 }.Run((byte[] content) =>
        {
            File.WriteAllBytes(directory["kubeconfig"], content);
            try
            {
                ClusterConnection.FromKubeconfig(directory["kubeconfig"]).Server.Scheme.ShouldBe("https");
            }
            catch (ConnectionException)
            {
                // One clear sentence.
            }
        });
    }

    private static Func<byte[], List<string?>> Read<T>(System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class, IKubernetesObject => body =>
    {
        var versions = new List<string?>();
        try
        {
            // Of what is in memory nothing has to be waited for.
            var events = WatchReader.ReadAsync(Call, new MemoryStream(body), type, CancellationToken.None).GetAsyncEnumerator();
            while (events.MoveNextAsync().AsTask().GetAwaiter().GetResult())
            {
                versions.Add(events.Current.ResourceVersion);
            }
        }
        catch (Exception e) when (e is JsonException or KubernetesException or IOException)
        {
            // The documented ones.
        }

        return versions;
    };
}
