using System.Text;
using System.Text.Json.Nodes;
using MeshLite.Hosting;
using MeshLite.Injection;
using YamlDotNet.Core;

namespace MeshLite.Cli.Inject;

/// <summary>Injects the pods and pod templates of YAML documents (Pod, the workload kinds, List of any of them). Pure but for remarks.</summary>
internal static class DocumentInjector
{
    /// <summary>The documents, injected. Throws <see cref="StartupException"/> for YAML that can't be read and for pods that are refused.</summary>
    public static string Inject(string text, InjectionOptions options, Action<string> remark)
    {
        var result = new StringBuilder();
        var number = 0;
        foreach (var (separator, document) in YamlText.Split(text))
        {
            number++;
            try
            {
                result.Append(separator).Append(InjectOne(document, options, remark));
            }
            catch (YamlException problem)
            {
                throw new StartupException($"document {number}: {problem.Message}", inner: problem);
            }
            catch (FormatException problem)
            {
                throw new StartupException($"document {number}: {problem.Message}", inner: problem);
            }
        }

        return result.ToString();
    }

    private static string InjectOne(string text, InjectionOptions options, Action<string> remark)
    {
        if (YamlTree.Load(text) is not { } tree || YamlTree.ToJson(tree) is not JsonObject before)
        {
            return text;
        }

        var after = (JsonObject)before.DeepClone();
        foreach (var (pod, owner, ns) in PodTemplates.In(after))
        {
            // Whoever runs this wants them injected, unless they say otherwise themselves.
            var result = PodInjector.Inject(pod, new PodNamespace(ns, new Dictionary<string, string>(StringComparer.Ordinal) { [MeshAnnotations.Inject] = "enabled" }), options);
            if (result.Refusal is not null)
            {
                throw new StartupException($"{owner}: {result.Refusal}");
            }

            foreach (var warning in result.Warnings)
            {
                remark($"{owner}: {warning}");
            }

            if (result.Pod is { } injected)
            {
                foreach (var field in (string[])["metadata", "spec"])
                {
                    var value = injected[field];
                    injected.Remove(field);
                    pod[field] = value;
                }
            }
            else
            {
                remark($"{owner}: left alone: {result.LeftAlone}");
            }
        }

        var patch = JsonPatch.Between(before, after);
        return patch.Count == 0 ? text : YamlTree.Write(YamlPatch.Apply(tree, patch));
    }
}
